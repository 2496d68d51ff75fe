//! `Elements`: an array, and an operation that changes many of its elements in one commit.

mod vectors;

use shared_value::{Error, Filled, LockError, LockState, SharedArray};
use shared_value_tests::stepper::{Death, Found, Harm, Scenario, marked};
use shared_value_tests::{AT_ONCE, SegmentFile, SegmentName};

use crate::arenas::mapped_at;
use crate::operations::{Operations, get_ready};

/// A length for which the marks of changed elements have two levels.
const LENGTH: usize = 600;

/// An element that no operation changes. Before each operation, it differs between the two slots.
const STALE: usize = 555;

/// An array, and an operation on it.
pub(crate) struct Elements {
    pub(crate) array: SharedArray<u64>,
    states: Vec<Vec<u64>>,
    victim: fn(&SharedArray<u64>),
    /// Whether the victim held the lock when it was stopped.
    held: bool,
    name: SegmentName,
    /// The offset of the array's cell in its segment.
    cell: u64,
}

/// The offset of the slots in a cell.
const CONTROL: u64 = 64;

/// Makes an array of ones, and lets the closure change some of them.
fn changed(change: impl FnOnce(&mut [u64])) -> Vec<u64> {
    let mut elements = vec![1; LENGTH];
    change(&mut elements);
    elements
}

impl Elements {
    pub(crate) fn new(states: Vec<Vec<u64>>, victim: fn(&SharedArray<u64>)) -> Self {
        let name = SegmentName::new("elements");
        let array = SharedArray::create(&name, Filled(0, LENGTH)).expect("the name is new");
        let cell = u64::from_ne_bytes(SegmentFile::open(name.path()).bytes(128, 8).try_into().expect("eight bytes"));
        Self { array, states, victim, held: false, name, cell }
    }

    fn state(&self) -> Result<usize, Harm> {
        let found = self.array.to_vec().map_err(|error| Harm::Torn(error.to_string()))?;
        self.states
            .iter()
            .position(|state| *state == found)
            .ok_or_else(|| self.torn("an array", &found, &self.states[0]))
    }

    /// Describes an array by the elements that differ.
    fn torn(&self, what: &str, found: &[u64], expected: &[u64]) -> Harm {
        let differing: Vec<_> = (0..LENGTH).filter(|index| found[*index] != expected[*index]).take(20).collect();
        let values: Vec<_> = differing.iter().map(|index| found[*index]).collect();
        let version = self.array.version();
        Harm::Torn(format!("{what} of version {version} whose elements {differing:?} are {values:?}"))
    }

    /// Changes one element, and checks all.
    fn change(&self, expected: &mut [u64], index: usize) -> Result<(), Harm> {
        expected[index] += 76;
        self.array.set_at(index, expected[index]).map_err(|error| Harm::Stuck(error.to_string()))?;
        let found = self.array.to_vec().map_err(|error| Harm::Torn(error.to_string()))?;
        if found == expected { Ok(()) } else { Err(self.torn("after a change, an array", &found, expected)) }
    }
}

impl Scenario for Elements {
    fn reset(&mut self) {
        if self.array.try_lock().is_err() {
            // The lock is stuck, which `inspect` has reported.
            let _ = shared_value::unlink(&self.name);
            self.array = SharedArray::create(&self.name, Filled(0, LENGTH)).expect("the name is free");
        }
        // The committed slot and the marks are always the same, because they decide about the route.
        self.array.write_slice(0, &self.states[0]).expect("the lock is free");
        if self.array.version() % 2 == 1 {
            self.array.write_slice(0, &self.states[0]).expect("the lock is free");
        }
        for value in [99, self.states[0][STALE]] {
            self.array.set_at(STALE, value).expect("the lock is free");
        }
        self.held = false;
    }

    fn victim(&self) {
        (self.victim)(&self.array);
    }

    fn stopped(&mut self, victim: u32) {
        self.held = self.array.lock_state() == LockState::Held { thread_id: victim };
    }

    fn inspect(&mut self, death: &Death) -> Result<Found, Harm> {
        let before = self.state()?;
        let guard = match self.array.lock_timeout(AT_ONCE) {
            Ok(guard) => guard,
            Err(Error::Lock(LockError::TimedOut)) => return Err(Harm::Stuck("the lock".to_owned())),
            Err(error) => return Err(Harm::Stuck(error.to_string())),
        };
        let took = death.at.elapsed();
        if guard.recovered() != self.held {
            return Err(Harm::Miscounted(format!("held: {}, recovered: {}", self.held, guard.recovered())));
        }
        drop(guard);
        let state = self.state()?;
        if state != before {
            return Err(Harm::Torn(format!("{before} without the lock, {state} with it")));
        }
        // An element that a slot has missed shows after one of the next commits.
        let mut expected = self.states[state].clone();
        for index in [0, LENGTH - 1, LENGTH / 2] {
            self.change(&mut expected, index)?;
        }
        Ok(Found { took, died_holding: self.held, states: vec![state] })
    }

    fn last_states(&self) -> Vec<usize> {
        vec![self.states.len() - 1]
    }

    fn shared(&self) -> Vec<u8> {
        let mut told = vec![u8::from(matches!(self.array.lock_state(), LockState::Held { .. }))];
        told.extend(self.array.version().to_le_bytes());
        told
    }

    fn watched(&self) -> Vec<Vec<u64>> {
        let cell = mapped_at(&self.name.path()) + self.cell;
        let word = |number: usize| cell + CONTROL + number as u64 * 8;
        // First the version, the draft, and an element in both slots; then the marks, and another element.
        let slots = [word(3), word(LENGTH + 3)];
        let marks = [word(2 * LENGTH), word(2 * LENGTH + 1), word(2 * LENGTH + 2), word(LENGTH + 277)];
        vec![vec![cell + 40, cell + 48, slots[0], slots[1]], marks.to_vec()]
    }
}

impl Operations {
    fn add_array(&mut self, name: &str, states: &[Vec<u64>], victim: fn(&SharedArray<u64>)) {
        let states = states.to_vec();
        self.push(name, move || Box::new(Elements::new(states.clone(), victim)));
    }

    /// Adds changes of many elements of an array.
    pub(crate) fn add_arrays(&mut self) {
        /// Elements all over the array: more than the marks can list one by one.
        fn places() -> impl Iterator<Item = usize> {
            (0..12).map(|number| number * 277 % LENGTH)
        }
        let old = changed(|_| {});
        let few = changed(|all| [3, 4, 500].into_iter().for_each(|index| all[index] = 2));
        let many = changed(|all| places().for_each(|index| all[index] = 2));
        self.add_array("array-set", &[old.clone(), changed(|all| all[3] = 2)], |array| {
            get_array_ready(array);
            marked(|| array.set_at(3, 2)).unwrap();
        });
        self.add_array("array-write", &[old.clone(), changed(|all| all[100..400].fill(2))], |array| {
            get_array_ready(array);
            let values = [2; 300];
            marked(|| array.write_slice(100, &values)).unwrap();
        });
        self.add_array("array-few", &[old.clone(), few.clone()], |array| {
            get_array_ready(array);
            marked(|| {
                let guard = array.lock().unwrap();
                for index in [3, 4, 500] {
                    guard.set_at(index, 2).unwrap();
                }
            });
        });
        self.add_array("array-places", &[old.clone(), many.clone()], |array| {
            get_array_ready(array);
            marked(|| {
                let guard = array.lock().unwrap();
                places().for_each(|index| guard.set_at(index, 2).unwrap());
            });
        });
        self.add_array("array-fill", &[old.clone(), vec![2; LENGTH]], |array| {
            get_array_ready(array);
            marked(|| array.fill(2)).unwrap();
        });
        let written = changed(|all| {
            all.clone_from_slice(&many);
            all[10..90].fill(3);
        });
        self.add_array("array-commit", &[old.clone(), many, written], |array| {
            get_array_ready(array);
            let values = [3; 80];
            marked(|| {
                let guard = array.lock().unwrap();
                places().for_each(|index| guard.set_at(index, 2).unwrap());
                guard.commit();
                guard.write_slice(10, &values).unwrap();
            });
        });
        self.add_array("array-rollback", &[old, few], |array| {
            get_array_ready(array);
            marked(|| {
                let guard = array.lock().unwrap();
                places().for_each(|index| guard.set_at(index, 9).unwrap());
                guard.rollback();
                for index in [3, 4, 500] {
                    guard.set_at(index, 2).unwrap();
                }
            });
        });
    }
}

/// Takes and releases another lock, and maps the pages of the array.
fn get_array_ready(array: &SharedArray<u64>) {
    get_ready();
    assert_eq!(array.at(0), 1);
}
