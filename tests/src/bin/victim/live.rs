//! Operations on live values: a death leaves what was written, a free lock, and the news of the death.

use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use shared_value::{Arena, Error, Live, Synchronized};
use shared_value_tests::stepper::{Death, Found, Harm, Scenario, marked, robust_list};
use shared_value_tests::{AT_ONCE, SegmentFile, SegmentName, end_now, fork};

use crate::arenas::{Arenas, Opened, mapped_at, state};
use crate::operations::{Operations, get_ready};

type Words = [u64; 4];

/// The value before the operation, and after it.
const OLD: Words = [1; 4];
const NEW: Words = [2; 4];

/// The bits of a lock word.
const OWNER: u64 = 0x3fff_ffff;
const OWNER_DIED: u64 = 0x4000_0000;

/// Where the value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Segment,
    Arena,
}

/// A live value, and an operation that writes all of it.
struct Stage {
    value: Live<Words>,
    file: SegmentFile,
    /// Where the cell starts in the file, and in memory.
    cell: u64,
    address: u64,
    has_dead_owner: bool,
    victim: fn(&Live<Words>),
    /// The lock word before the death, and whether the victim held the lock.
    noted: (u64, bool),
    _name: SegmentName,
}

impl Stage {
    fn new(place: Place, is_recursive: bool, has_dead_owner: bool, victim: fn(&Live<Words>)) -> Self {
        let name = SegmentName::new("live");
        let options = if is_recursive { Live::options() } else { Live::options().non_recursive() };
        let value = match place {
            Place::Segment => options.create(&name, OLD).expect("the name is new"),
            Place::Arena => {
                let arena = Arena::create(&name, 1 << 20).expect("the name is new");
                options.alloc(&arena, OLD).expect("there is room")
            }
        };
        let address = value.as_ptr().addr() as u64 - 64;
        let (file, cell) = (SegmentFile::open(name.path()), address - mapped_at(&name.path()));
        Self { value, file, cell, address, has_dead_owner, victim, noted: (0, false), _name: name }
    }

    fn word(&self) -> u64 {
        u64::from_ne_bytes(self.file.bytes(self.cell, 8).try_into().expect("eight bytes"))
    }
}

impl Scenario for Stage {
    fn reset(&mut self) {
        drop(self.value.lock_timeout(AT_ONCE).expect("`inspect` has found the lock free"));
        self.value.set(OLD).expect("the lock is free");
        if self.has_dead_owner {
            let value = self.value.clone();
            fork(|| {
                value.lock().expect("the lock is free").keep();
                end_now(0);
            })
            .finish();
        }
        self.noted = (self.word(), false);
    }

    fn victim(&self) {
        get_ready();
        (self.victim)(&self.value);
    }

    fn stopped(&mut self, victim: u32) {
        let word = self.word();
        let is_victims = fs::exists(format!("/proc/{victim}/task/{}", word & OWNER)).unwrap_or(false);
        self.noted = (word, is_victims && word & OWNER != 0);
    }

    fn inspect(&mut self, death: &Death) -> Result<Found, Harm> {
        let (word, died_holding) = self.noted;
        let before = self.value.recoveries();
        let guard = self.value.lock_timeout(AT_ONCE).map_err(|error| Harm::Stuck(error.to_string()))?;
        let took = death.at.elapsed();
        let expected = died_holding || word & OWNER_DIED != 0;
        if guard.recovered() != expected || self.value.recoveries() - before != u64::from(expected) {
            return Err(Harm::Miscounted(format!("recovered: {}, the lock was {word:x}", guard.recovered())));
        }
        let found = self.value.get();
        if found.iter().zip(OLD.iter().zip(NEW)).any(|(word, (old, new))| word != old && *word != new) {
            return Err(Harm::Torn(format!("{found:?}")));
        }
        let state = if found == OLD { 0 } else { 1 + usize::from(found == NEW) };
        if state == 1 && !expected {
            return Err(Harm::Torn(format!("{found:?}, and nobody is told")));
        }
        self.value.set([7; 4]).map_err(|error| Harm::Stuck(error.to_string()))?;
        drop(guard);
        let again = self.value.lock_timeout(AT_ONCE).map_err(|error| Harm::Stuck(error.to_string()))?;
        if again.recovered() || self.value.get() != [7; 4] {
            return Err(Harm::Miscounted("a death is told twice".to_owned()));
        }
        Ok(Found { took, died_holding, states: vec![state] })
    }

    fn last_states(&self) -> Vec<usize> {
        vec![2]
    }

    fn shared(&self) -> Vec<u8> {
        self.file.bytes(self.cell, 64 + size_of::<Words>())
    }

    fn watched(&self) -> Vec<Vec<u64>> {
        let [first, announced] = robust_list();
        let value = self.address + 64;
        vec![vec![first, announced, self.address], vec![self.address, value, value + 8, value + 24]]
    }
}

/// The creation of a live value under a name.
struct Naming {
    name: SegmentName,
}

impl Naming {
    fn path(&self) -> PathBuf {
        self.name.path()
    }
}

impl Scenario for Naming {
    fn reset(&mut self) {
        if let Err(error) = fs::remove_file(self.path()) {
            assert_eq!(error.kind(), io::ErrorKind::NotFound, "the name can be made free");
        }
    }

    fn victim(&self) {
        get_ready();
        marked(|| Live::create(&self.name, NEW)).expect("the name is free");
    }

    fn inspect(&mut self, _: &Death) -> Result<Found, Harm> {
        let state = match Live::<Words>::open(&self.name) {
            Err(Error::NotFound { .. }) => 0,
            Err(error) => return Err(Harm::Torn(error.to_string())),
            Ok(value) if value.get() == NEW && Synchronized::<Words>::open(&self.name).is_err() => {
                let guard = value.try_lock().map_err(|error| Harm::Stuck(error.to_string()))?;
                if guard.recovered() {
                    return Err(Harm::Miscounted("nobody has locked it".to_owned()));
                }
                1
            }
            Ok(value) => return Err(Harm::Torn(format!("{:?}", value.get()))),
        };
        Ok(Found { took: Duration::ZERO, died_holding: false, states: vec![state] })
    }

    fn last_states(&self) -> Vec<usize> {
        vec![1]
    }

    fn shared(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap_or_default()
    }
}

/// Adds three values with keys, and a live one without.
fn with_live(arena: &Arena) {
    three(arena);
    Live::alloc(arena, NEW).unwrap();
}

fn three(arena: &Arena) {
    for key in ["a", "b", "c"] {
        arena.insert(key, 1_u64).unwrap();
    }
}

impl Operations {
    /// Adds operations on live values.
    pub(crate) fn add_live(&mut self) {
        let mut add = |name: &str, place, is_recursive, has_dead_owner, victim: fn(&Live<Words>)| {
            self.push(name, move || Box::new(Stage::new(place, is_recursive, has_dead_owner, victim)));
        };
        let set: fn(&Live<Words>) = |value| marked(|| value.set(NEW)).unwrap();
        add("live-set", Place::Segment, true, false, set);
        add("live-set-once", Place::Segment, false, false, set);
        add("live-set-in-arena", Place::Arena, true, false, set);
        add("live-take-over", Place::Segment, true, true, set);
        add("live-update", Place::Segment, true, false, |value| marked(|| value.update(|words| *words = NEW)).unwrap());
        add("live-guard", Place::Arena, false, false, |value| {
            marked(|| {
                let guard = value.lock().unwrap();
                for (index, word) in NEW.into_iter().enumerate() {
                    value.parts().set_at(index, word).unwrap();
                }
                drop(guard);
            });
        });
        add("live-keep", Place::Segment, true, false, |value| {
            marked(|| {
                value.lock().unwrap().keep();
                value.lock().unwrap().keep();
                value.set(NEW).unwrap();
                value.release().unwrap();
                value.release().unwrap();
            });
        });
        self.push("live-create", || Box::new(Naming { name: SegmentName::new("live-naming") }));
        let ones = [("a", 1), ("b", 1), ("c", 1)];
        let (without, with) = (state(ones), state([("a", 1), ("b", 1), ("c", 1), ("", 1)]));
        let states = vec![without.clone(), with.clone()];
        self.push("live-alloc", move || {
            Box::new(Arenas::new(
                three,
                Opened::Since,
                states.clone(),
                |arena, _| {
                    let arena = arena.unwrap();
                    marked(|| Live::alloc(arena, NEW)).unwrap();
                },
                true,
            ))
        });
        let states = vec![with, without];
        self.push("live-remove", move || {
            Box::new(Arenas::new(
                with_live,
                Opened::Since,
                states.clone(),
                |arena, _| {
                    let arena = arena.unwrap();
                    let live = arena.iter().find(shared_value::Entry::is_live).unwrap();
                    marked(|| arena.remove(live.id::<Words>())).unwrap();
                },
                true,
            ))
        });
    }
}
