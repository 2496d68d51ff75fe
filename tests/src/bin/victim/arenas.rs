//! `Arenas`: what adds to an arena, takes away from it, or changes several of its values at once.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use shared_value::{Arena, Error, Synchronized, ValueId};
use shared_value_tests::stepper::{Death, Found, Harm, Scenario};
use shared_value_tests::{SegmentFile, SegmentName};

/// The values of an arena by key; under the empty key, how many values have none.
pub(crate) type State = BTreeMap<String, u64>;

/// An arena, and an operation on it.
pub(crate) struct Arenas {
    name: SegmentName,
    /// Puts the arena into the first state.
    prepare: fn(&Arena),
    opened: Opened,
    states: Vec<State>,
    victim: fn(Option<&Arena>, &str),
    arena: Option<Arena>,
    /// Where the first values lie.
    cells: Vec<u64>,
}

/// Whether the survivor has the arena open meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// Since it was made.
    Since,
    /// Since a moment when nobody had it open.
    Again,
    Never,
}

pub(crate) const CAPACITY: usize = 1 << 20;
const AT_ONCE: Duration = Duration::from_secs(1);

/// A state as the values of these keys.
pub(crate) fn state<const N: usize>(values: [(&str, u64); N]) -> State {
    values.map(|(key, value)| (key.to_owned(), value)).into()
}

/// So many values, which have the keys `0`, `1` and so on.
pub(crate) fn many(count: u64) -> State {
    (0..count).map(|number| (number.to_string(), number)).collect()
}

impl Arenas {
    pub(crate) fn new(
        prepare: fn(&Arena),
        opened: Opened,
        states: Vec<State>,
        victim: fn(Option<&Arena>, &str),
    ) -> Self {
        let name = SegmentName::new("arenas");
        let mut arenas = Self { name, prepare, opened, states, victim, arena: None, cells: Vec::new() };
        arenas.reset();
        if let Some(arena) = &arenas.arena {
            arenas.cells = arena.values().take(4).map(|value| cell_of(value.id())).collect();
        }
        arenas
    }

    /// Which state the arena is in, seen by key and by listing.
    fn state_of(&self, arena: &Arena) -> Result<usize, Harm> {
        let torn = |error: Error| Harm::Torn(error.to_string());
        let mut found = State::new();
        for key in self.states.iter().flat_map(State::keys).filter(|key| !key.is_empty()) {
            match arena.open::<u64>(key) {
                Ok(value) => drop(found.insert(key.clone(), value.load().map_err(torn)?)),
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(torn(error)),
            }
        }
        let mut listed: Vec<_> = arena
            .values()
            .filter_map(|stored| stored.key().map(str::to_owned))
            .filter(|key| key != "survivor")
            .collect();
        listed.sort();
        if !listed.iter().eq(found.keys()) {
            return Err(Harm::Torn(format!("{listed:?} are listed, {found:?} found")));
        }
        let without_key = arena.values().filter(|stored| stored.key().is_none()).count() as u64;
        if without_key > 0 {
            found.insert(String::new(), without_key);
        }
        self.states
            .iter()
            .position(|state| *state == found)
            .ok_or_else(|| Harm::Torn(format!("the arena holds {found:?}")))
    }
}

/// Does something that takes the arena's lock, in time.
fn in_time<R: Send + 'static>(work: impl FnOnce() -> Result<R, Error> + Send + 'static) -> Result<R, Harm> {
    let (sender, done) = mpsc::channel();
    thread::spawn(move || drop(sender.send(work())));
    let result = done.recv_timeout(AT_ONCE).map_err(|_| Harm::Stuck("the lock of the arena".to_owned()))?;
    result.map_err(|error| Harm::Stuck(error.to_string()))
}

fn use_value(value: &Synchronized<u64>) -> Result<(), Harm> {
    let before = value.get();
    let mut guard = value.lock_timeout(AT_ONCE).map_err(|error| Harm::Stuck(format!("a value: {error}")))?;
    if guard.load().map_err(|error| Harm::Torn(error.to_string()))? != before {
        return Err(Harm::Torn(format!("{before} without the lock, {:?} with it", guard.load())));
    }
    guard.store(1_000 + before);
    drop(guard);
    if value.get() == 1_000 + before { Ok(()) } else { Err(Harm::Torn(format!("{} was written", value.get()))) }
}

impl Scenario for Arenas {
    fn reset(&mut self) {
        self.arena = None;
        if let Err(error) = fs::remove_file(self.name.path()) {
            assert_eq!(error.kind(), io::ErrorKind::NotFound, "the place can be made free");
        }
        let arena = Arena::create(&self.name, CAPACITY).expect("the name is free");
        (self.prepare)(&arena);
        self.arena = match self.opened {
            Opened::Since => Some(arena),
            Opened::Again => {
                drop(arena);
                Some(Arena::open(&self.name).expect("it is there"))
            }
            Opened::Never => None,
        };
    }

    fn victim(&self) {
        // What happens in a thread once only has happened then.
        Synchronized::new(0_u64).and_then(|scratch| scratch.set(1)).expect("memory for a number");
        (self.victim)(self.arena.as_ref(), &self.name);
    }

    fn inspect(&mut self, _death: &Death) -> Result<Found, Harm> {
        // Nobody else has it open if it was the victim that opened it: this puts it in order.
        let start = Instant::now();
        let arena = match self.arena.clone() {
            Some(arena) => arena,
            None => Arena::open(&self.name).map_err(|error| Harm::Stuck(error.to_string()))?,
        };
        let state = self.state_of(&arena)?;
        let adding = arena.clone();
        let added = in_time(move || adding.create("survivor", 7_u64))?;
        let took = start.elapsed();
        if self.state_of(&arena)? != state {
            return Err(Harm::Torn("the state changed after the death".to_owned()));
        }
        for (key, expected) in self.states[state].iter().filter(|(key, _)| !key.is_empty()) {
            let value = arena.open(key).map_err(|error| Harm::Lost(error.to_string()))?;
            use_value(&value)?;
            if value.get() != 1_000 + expected || added.get() != 7 {
                return Err(Harm::Torn(format!("{key} became {}, the new value {}", value.get(), added.get())));
            }
        }
        // What is not there can be made, and what is there taken away.
        for key in self.states.iter().flat_map(State::keys).filter(|key| !key.is_empty()) {
            let (adding, key) = (arena.clone(), key.clone());
            in_time(move || {
                let value = adding.open_or_create(&key, 5_u64)?;
                adding.remove(&key)?;
                let again = adding.create(&key, 6_u64)?;
                assert_eq!((value.get() < 2_000, again.get()), (true, 6));
                Ok(())
            })?;
        }
        Ok(Found { took, died_holding: false, states: vec![state] })
    }

    fn last_states(&self) -> Vec<usize> {
        vec![self.states.len() - 1]
    }

    fn shared(&self) -> Vec<u8> {
        let mut bytes = fs::read(self.name.path()).unwrap_or_default();
        bytes.truncate(1 << 15);
        bytes
    }

    fn watched(&self) -> Vec<Vec<u64>> {
        if self.opened == Opened::Never {
            // It is mapped only by the victim: at system calls.
            return vec![Vec::new()];
        }
        let base = mapped_at(&self.name.path());
        let file = SegmentFile::open(self.name.path());
        let cell = u64::from_ne_bytes(file.bytes(64, 8).try_into().expect("eight bytes"));
        // The lock and the version of the directory, the version of each value, and the place of the newest block.
        let mut watched = vec![vec![base + cell, base + cell + VERSION, base + cell + 2 * LINE]];
        if !self.cells.is_empty() {
            watched.push(self.cells.iter().map(|cell| base + cell + VERSION).collect());
        }
        watched
    }
}

const VERSION: u64 = 40;
const LINE: u64 = 64;

/// Where the cell of a small value with a short key starts.
fn cell_of(id: ValueId) -> u64 {
    let end = (id.to_bits() >> 16) * 32 + 32;
    end - 2 * LINE
}

/// Where the file is mapped: the first line of the kernel's list that has its inode.
pub(crate) fn mapped_at(path: &Path) -> u64 {
    let inode = fs::metadata(path).expect("the file is there").ino().to_string();
    let maps = fs::read_to_string("/proc/self/maps").expect("the kernel says what is mapped");
    let line = maps.lines().find(|line| line.split_whitespace().nth(4) == Some(&inode)).expect("it is mapped");
    let (start, _) = line.split_once('-').expect("a range");
    u64::from_str_radix(start, 16).expect("an address")
}
