//! `Arenas`: operations that add to an arena, remove from it, or change several of its values at once.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::mpsc;
use std::time::Instant;
use std::{fs, io, thread};

use shared_value::{Arena, Entry, Error, Synchronized};
use shared_value_tests::stepper::{Death, Found, Harm, Scenario};
use shared_value_tests::{AT_ONCE, SegmentFile, SegmentName, number_of_file};

use crate::watcher::Watcher;

/// The values of an arena by key. The number under the empty key is that of the values without a key.
pub(crate) type State = BTreeMap<String, u64>;

/// An arena, and an operation on it.
pub(crate) struct Arenas {
    name: SegmentName,
    /// Puts a new arena into the first state.
    prepare: fn(&Arena),
    opened: Opened,
    states: Vec<State>,
    victim: fn(Option<&Arena>, &str),
    /// Whether all space is used or free again after a death, while others have the arena open. What a transaction has made, but
    /// not added, may have been passed on.
    keeps_space: bool,
    arena: Option<Arena>,
    is_watched: bool,
    /// Waits for changes, if the arena is watched.
    watcher: Option<Watcher>,
    /// The offsets of the newest values.
    cells: Vec<u64>,
}

/// How long the survivor has had the arena open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// Since the arena was made.
    Since,
    /// Since a moment when no process had it open.
    Again,
    /// The survivor opens it after the death.
    Never,
    /// Since the arena was made; after the death the survivor closes it, and opens it once more.
    Twice,
}

pub(crate) const CAPACITY: usize = 1 << 20;

/// Makes the state with these keys and values.
pub(crate) fn state<const N: usize>(values: [(&str, u64); N]) -> State {
    values.map(|(key, value)| (key.to_owned(), value)).into()
}

/// Makes the state with `count` values, which have the keys `0`, `1` and so on.
pub(crate) fn many(count: u64) -> State {
    (0..count).map(|number| (number.to_string(), number)).collect()
}

impl Arenas {
    pub(crate) fn new(
        prepare: fn(&Arena),
        opened: Opened,
        states: Vec<State>,
        victim: fn(Option<&Arena>, &str),
        keeps_space: bool,
    ) -> Self {
        let name = SegmentName::new("arenas");
        let mut arenas = Self {
            name,
            prepare,
            opened,
            states,
            victim,
            keeps_space,
            arena: None,
            is_watched: false,
            watcher: None,
            cells: Vec::new(),
        };
        arenas.reset();
        if let Some(arena) = &arenas.arena {
            arenas.cells = arena.iter().take(4).map(|entry| cell_of(&entry)).collect();
        }
        arenas
    }

    /// Lets another process wait for changes meanwhile.
    pub(crate) fn watched(mut self) -> Self {
        self.is_watched = true;
        self.reset();
        self
    }

    /// Checks that the watcher has learned of all keys that differ from the state before.
    fn check_watcher(&mut self, state: usize) -> Result<(), Harm> {
        let (old, new) = (&self.states[0], &self.states[state]);
        let differs = |key: &&String| !key.is_empty() && old.get(*key) != new.get(*key);
        let keys: Vec<_> = old.keys().chain(new.keys()).filter(differs).collect();
        match self.watcher.as_mut().and_then(|watcher| watcher.misses(&keys)) {
            Some(key) => Err(Harm::Stuck(format!("the watcher has not learned of `{key}`"))),
            None => Ok(()),
        }
    }

    /// Commits transactions that neither add nor remove, before any process repairs the arena. The changes of the dead process
    /// must not show with them, not even for a moment.
    fn transact_beside_dead(&self, arena: &Arena, state: usize) -> Result<(), Harm> {
        let values: Vec<_> =
            arena.values_of::<u64>().filter(|(key, _)| key.is_some()).map(|(_, value)| value).collect();
        let [one, other, ..] = values.as_slice() else { return Ok(()) };
        let (arena, one, other) = (arena.clone(), one.clone(), other.clone());
        let seen_by = arena.clone();
        let (sender, done) = mpsc::channel();
        thread::spawn(move || {
            let transact = || {
                arena.transaction(|tx| {
                    for value in [&one, &other] {
                        let guard = tx.lock(value)?;
                        guard.set(guard.get())?;
                    }
                    Ok(())
                })
            };
            drop(sender.send((0..transactions_beside_dead()).try_for_each(|_| transact())));
        });
        let start = Instant::now();
        loop {
            if self.state_of(&seen_by)? != state {
                return Err(Harm::Torn("another transaction committed changes of the dead one".to_owned()));
            }
            match done.try_recv() {
                Ok(transacted) => return transacted.map_err(|error| Harm::Stuck(error.to_string())),
                Err(_) if start.elapsed() < AT_ONCE => {}
                Err(_) => return Err(Harm::Stuck("a transaction".to_owned())),
            }
        }
    }

    /// Finds the state that the arena is in, by its keys, by listing and by counting.
    fn state_of(&self, arena: &Arena) -> Result<usize, Harm> {
        let torn = |error: Error| Harm::Torn(error.to_string());
        let mut found = State::new();
        for key in self.states.iter().flat_map(State::keys).filter(|key| !key.is_empty()) {
            if let Some(value) = arena.get::<u64>(key).map_err(torn)? {
                found.insert(key.clone(), value.load().map_err(torn)?);
            }
        }
        let mut listed: Vec<_> =
            arena.iter().filter_map(|entry| entry.key().map(str::to_owned)).filter(|key| key != SURVIVOR).collect();
        listed.sort();
        if !listed.iter().eq(found.keys()) {
            return Err(Harm::Torn(format!("{listed:?} are listed, {found:?} found")));
        }
        let without_key = arena.iter().filter(|entry| entry.key().is_none()).count();
        let count = listed.len() + without_key + usize::from(arena.contains(SURVIVOR));
        if arena.len() != count {
            return Err(Harm::Torn(format!("{count} values, but the arena counts {}", arena.len())));
        }
        if without_key > 0 {
            found.insert(String::new(), without_key as u64);
        }
        self.states
            .iter()
            .position(|state| *state == found)
            .ok_or_else(|| Harm::Torn(format!("the arena holds {found:?}")))
    }
}

/// The number of transactions that the survivor commits before it repairs the arena.
fn transactions_beside_dead() -> u32 {
    std::env::var("SHARED_VALUE_BESIDE_DEAD").map_or(20, |count| count.parse().expect("a number"))
}

/// Checks that each byte belongs to a block that something refers to, or is free.
fn check_space(arena: &Arena) -> Result<(), Harm> {
    let stats = arena.stats();
    let sum = stats.live_bytes + stats.removed_bytes + stats.reusable_bytes + stats.overhead_bytes;
    if sum == arena.used() { Ok(()) } else { Err(Harm::Lost(format!("{} bytes, {stats:?}", arena.used() - sum))) }
}

/// The key of the value that the survivor adds.
const SURVIVOR: &str = "survivor";

/// Runs work that takes the lock of the arena, and fails if it takes too long.
fn in_time<R: Send + 'static>(work: impl FnOnce() -> Result<R, Error> + Send + 'static) -> Result<R, Harm> {
    let (sender, done) = mpsc::channel();
    thread::spawn(move || drop(sender.send(work())));
    let result = done.recv_timeout(AT_ONCE).map_err(|_| Harm::Stuck("the lock of the arena".to_owned()))?;
    result.map_err(|error| Harm::Stuck(error.to_string()))
}

fn use_value(value: &Synchronized<u64>) -> Result<(), Harm> {
    let before = value.get();
    let guard = value.lock_timeout(AT_ONCE).map_err(|error| Harm::Stuck(format!("a value: {error}")))?;
    if guard.load().map_err(|error| Harm::Torn(error.to_string()))? != before {
        return Err(Harm::Torn(format!("{before} without the lock, {:?} with it", guard.load())));
    }
    guard.set(1_000 + before).map_err(|error| Harm::Stuck(error.to_string()))?;
    drop(guard);
    if value.get() == 1_000 + before { Ok(()) } else { Err(Harm::Torn(format!("{} was written", value.get()))) }
}

impl Scenario for Arenas {
    fn reset(&mut self) {
        (self.arena, self.watcher) = (None, None);
        if let Err(error) = fs::remove_file(self.name.path()) {
            assert_eq!(error.kind(), io::ErrorKind::NotFound, "the place can be made free");
        }
        let arena = Arena::create(&*self.name, CAPACITY).expect("the name is free");
        (self.prepare)(&arena);
        self.arena = match self.opened {
            Opened::Since | Opened::Twice => Some(arena),
            Opened::Again => {
                drop(arena);
                Some(Arena::open(&*self.name).expect("it is there"))
            }
            Opened::Never => None,
        };
        self.watcher = self.is_watched.then(|| Watcher::start(&self.name));
    }

    fn victim(&self) {
        // The first lock of a thread does more than later ones, so it is taken before the operation begins.
        Synchronized::new(0_u64).and_then(|scratch| scratch.set(1)).expect("memory for a number");
        (self.victim)(self.arena.as_ref(), &self.name);
    }

    fn inspect(&mut self, _death: &Death) -> Result<Found, Harm> {
        // If the victim was the only process that had the arena open, this repairs the arena.
        if self.opened == Opened::Twice {
            self.arena = None;
        }
        let start = Instant::now();
        let arena = match self.arena.clone() {
            Some(arena) => arena,
            None => Arena::open(&*self.name).map_err(|error| Harm::Stuck(error.to_string()))?,
        };
        let state = self.state_of(&arena)?;
        self.check_watcher(state)?;
        self.transact_beside_dead(&arena, state)?;
        let adding = arena.clone();
        let added = in_time(move || adding.insert(SURVIVOR, 7_u64))?;
        let took = start.elapsed();
        if self.state_of(&arena)? != state {
            return Err(Harm::Torn("the state changed after the death".to_owned()));
        }
        for (key, expected) in self.states[state].iter().filter(|(key, _)| !key.is_empty()) {
            let value = arena.get(key).map_err(|error| Harm::Lost(error.to_string()))?;
            let value = value.ok_or_else(|| Harm::Lost(key.clone()))?;
            use_value(&value)?;
            if value.get() != 1_000 + expected || added.get() != 7 {
                return Err(Harm::Torn(format!("{key} became {}, the new value {}", value.get(), added.get())));
            }
        }
        // Every key can be added, removed and replaced.
        for key in self.states.iter().flat_map(State::keys).filter(|key| !key.is_empty()) {
            let (adding, key) = (arena.clone(), key.clone());
            in_time(move || {
                let value = adding.get_or_insert_with(&key, || 5_u64)?;
                let is_removed = adding.remove(&key)?;
                let again = adding.insert(&key, 6_u64)?;
                let replaced = adding.replace(&key, 7_u64)?;
                let found = adding.get::<u64>(&key)?.map(|value| value.get());
                assert!(value.get() < 2_000 && is_removed);
                assert_eq!((again.get(), replaced.get(), found), (6, 7, Some(7)));
                Ok(())
            })?;
        }
        if self.keeps_space {
            check_space(&arena)?;
        }
        if arena.len() != arena.iter().count() {
            return Err(Harm::Torn(format!("{} values, but the arena counts {}", arena.iter().count(), arena.len())));
        }
        if self.opened == Opened::Twice {
            self.arena = Some(arena);
        }
        Ok(Found { took, died_holding: false, states: vec![state] })
    }

    fn last_states(&self) -> Vec<usize> {
        vec![self.states.len() - 1]
    }

    fn shared(&self) -> Vec<u8> {
        // The whole file is much longer, and this is called after each instruction.
        let mut bytes = Vec::new();
        if let Ok(file) = fs::File::open(self.name.path()) {
            file.take(1 << 15).read_to_end(&mut bytes).expect("a regular file can be read");
        }
        bytes
    }

    fn watched(&self) -> Vec<Vec<u64>> {
        if self.opened == Opened::Never {
            // Only the victim maps it. So it is killed at system calls.
            return vec![Vec::new()];
        }
        let base = mapped_at(&self.name.path());
        let length = fs::metadata(self.name.path()).expect("it is there").len();
        let file = SegmentFile::open(self.name.path());
        let cell = u64::from_ne_bytes(file.bytes(128, 8).try_into().expect("eight bytes"));
        // The lock and the version of the directory, the word that decides, and the version of each value.
        let mut watched = vec![vec![base + cell, base + cell + VERSION, base + cell + DECIDED_BY]];
        // The journal, whether it is applied, and where blocks end in the first page.
        let journal = length / 64 * 64 - JOURNAL;
        watched.push([cell + APPLIED, journal, journal + 8, journal - 32].map(|place| base + place).to_vec());
        if !self.cells.is_empty() {
            watched.push(self.cells.iter().map(|cell| base + cell + VERSION).collect());
        }
        watched
    }
}

const VERSION: u64 = 40;
const LINE: u64 = 64;
/// The offset of the word `decided_by` in the directory's cell: it follows the control line and two slots of 192 bytes.
const DECIDED_BY: u64 = LINE + 2 * 192;

/// The offset of the word `applied` in the directory's cell, and the distance of the journal from the end of the segment.
const APPLIED: u64 = DECIDED_BY + 24;
const JOURNAL: u64 = 1_024;

/// Returns the offset of the cell of a small value with a short key: its block consists of two units of 64 bytes, and the
/// lowest bits of its id name the second. The arena is so small that its first ids have no other bits below this one.
fn cell_of(entry: &Entry) -> u64 {
    const PLACE: u64 = (1 << 15) - 1;
    ((entry.id::<u64>().to_bits().get() & PLACE) - 1) * LINE
}

/// Returns the address at which the file is mapped, which the kernel lists.
pub(crate) fn mapped_at(path: &Path) -> u64 {
    let file = format!(" {} ", number_of_file(path, ' '));
    let maps = fs::read_to_string("/proc/self/maps").expect("the kernel says what is mapped");
    // The page of the file that vouches for the process cannot be read.
    let is_it = |line: &&str| line.contains(" rw-s ") && line.contains(&file);
    let line = maps.lines().find(is_it).expect("it is mapped");
    let (start, _) = line.split_once('-').expect("a range");
    u64::from_str_radix(start, 16).expect("an address")
}
