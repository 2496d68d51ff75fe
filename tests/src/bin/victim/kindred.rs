//! `Kindred`: values under a lock object, or under a pthread mutex.

use shared_value::{Error, LockError, LockKind, LockState, RLock};
use shared_value_tests::stepper::{Death, Found, Harm, Scenario, marked};
use shared_value_tests::{AT_ONCE, end_now, fork};

use crate::operations::{Operations, get_ready};
use crate::triple::{Line, SynchronizedTriple};

/// The kind of lock that guards the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarded {
    /// One lock object for both values.
    Object,
    /// A pthread mutex for the only value.
    Pthread,
}

/// The history of the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Past {
    Nothing,
    /// The last owner was killed while it wrote to the last value, which no process has used since.
    DeadOwner,
}

/// Values under a lock of another kind, and an operation on them.
pub(crate) struct Kindred {
    pub(crate) values: Vec<SynchronizedTriple<u64, 6>>,
    states: Vec<Vec<Line>>,
    past: Past,
    guarded: Guarded,
    victim: fn(&Self),
    /// Whether the victim held the lock when it was stopped.
    held: bool,
    /// The number of recoveries before the operation.
    recoveries: u64,
}

impl Kindred {
    pub(crate) fn new(guarded: Guarded, past: Past, states: Vec<Vec<Line>>, victim: fn(&Self)) -> Self {
        Self { values: values(guarded, &states), states, past, guarded, victim, held: false, recoveries: 0 }
    }

    fn state(&self, number: usize) -> Result<usize, Harm> {
        let found = self.values[number].load().map_err(|error| Harm::Torn(error.to_string()))?;
        let state = self.states[number].iter().position(|state| *state == found);
        state.ok_or_else(|| Harm::Torn(format!("value {number} is {found:?}")))
    }

    fn all_states(&self) -> Result<Vec<usize>, Harm> {
        (0..self.values.len()).map(|number| self.state(number)).collect()
    }
}

/// Makes the values in their first states.
fn values(guarded: Guarded, states: &[Vec<Line>]) -> Vec<SynchronizedTriple<u64, 6>> {
    let options = SynchronizedTriple::options();
    let options = match guarded {
        Guarded::Object => options.lock(&RLock::new().expect("memory for a lock")),
        Guarded::Pthread => options.lock_kind(LockKind::Pthread),
    };
    states.iter().map(|states| options.new(states[0]).expect("memory for a value")).collect()
}

impl Scenario for Kindred {
    fn reset(&mut self) {
        if self.values[0].try_lock().is_err() {
            // The lock is stuck, which `inspect` has reported.
            self.values = values(self.guarded, &self.states);
        }
        for (value, states) in self.values.iter().zip(&self.states) {
            value.set(states[0]).expect("the lock is free");
            // The committed slot is always the same, because it decides about the route.
            if value.version() % 2 == 1 {
                value.set(states[0]).expect("the lock is free");
            }
        }
        if self.past == Past::DeadOwner {
            let last = self.values.last().expect("there is one").clone();
            fork(|| {
                let _guard = last.lock().expect("the lock is free");
                // The field that the survivor does not overwrite.
                last.set_right(9).expect("the lock is held");
                end_now(0);
            })
            .finish();
            if self.guarded == Guarded::Object {
                for _ in 0..2 {
                    self.values[0].set(self.states[0][0]).expect("the lock is free");
                }
            }
        }
        self.recoveries = self.values[0].recoveries();
        self.held = false;
    }

    fn victim(&self) {
        (self.victim)(self);
    }

    fn stopped(&mut self, victim: u32) {
        self.held = self.values[0].lock_state() == LockState::Held { thread_id: victim };
    }

    fn inspect(&mut self, death: &Death) -> Result<Found, Harm> {
        let before = self.all_states()?;
        // A victim that was killed before it took over: the survivor finds the earlier dead owner.
        let untouched = self.guarded == Guarded::Pthread
            && self.past == Past::DeadOwner
            && self.recoveries == self.values[0].recoveries();
        let guard = match self.values[0].lock_timeout(AT_ONCE) {
            Ok(guard) => guard,
            Err(Error::Lock(LockError::TimedOut)) => return Err(Harm::Stuck("the lock".to_owned())),
            Err(error) => return Err(Harm::Stuck(error.to_string())),
        };
        let took = death.at.elapsed();
        if guard.recovered() != (self.held || untouched) {
            return Err(Harm::Miscounted(format!("held: {}, recovered: {}", self.held, guard.recovered())));
        }
        let states = self.all_states()?;
        if states != before {
            return Err(Harm::Torn(format!("{before:?} without the lock, {states:?} with it")));
        }
        if states.is_sorted_by(|one, other| one < other) && states.len() > 1 {
            return Err(Harm::Torn(format!("committed in the wrong order: {states:?}")));
        }
        // The survivor writes to all values, and commits.
        for value in &self.values {
            value.set_left(77).map_err(|error| Harm::Stuck(error.to_string()))?;
        }
        drop(guard);
        for (number, value) in self.values.iter().enumerate() {
            let expected = self.states[number][states[number]].left(77);
            let found = value.load().map_err(|error| Harm::Torn(error.to_string()))?;
            if found != expected {
                return Err(Harm::Torn(format!("value {number} became {found:?}, not {expected:?}")));
            }
        }
        Ok(Found { took, died_holding: self.held, states })
    }

    fn last_states(&self) -> Vec<usize> {
        self.states.iter().map(|states| states.len() - 1).collect()
    }

    fn shared(&self) -> Vec<u8> {
        let mut told = vec![u8::from(matches!(self.values[0].lock_state(), LockState::Held { .. }))];
        told.extend(self.values.iter().flat_map(|value| value.version().to_le_bytes()));
        told
    }

    fn watched(&self) -> Vec<Vec<u64>> {
        // The lock lies in the C library's structure, or in another segment.
        Vec::new()
    }
}

impl Operations {
    fn add_kindred(&mut self, name: &str, guarded: Guarded, past: Past, states: &[&[Line]], victim: fn(&Kindred)) {
        let states: Vec<_> = states.iter().map(|states| states.to_vec()).collect();
        self.push(name, move || Box::new(Kindred::new(guarded, past, states.clone(), victim)));
    }

    /// Adds operations on values under a lock object, and on a value under a pthread mutex.
    pub(crate) fn add_other_locks(&mut self) {
        let old = Line::of(1);
        let one = [&[old, old.left(2)][..]];
        let two = [&[old, old.left(2)][..], &[old, old.left(3)][..]];
        let twice = [&[old, old.left(2), old.left(4)][..], &[old, old.left(3)][..]];
        let both = |values: &Kindred| {
            get_ready();
            marked(|| {
                let _guard = values.values[0].lock().unwrap();
                values.values[0].set_left(2).unwrap();
                values.values[1].set_left(3).unwrap();
            });
        };
        self.add_kindred("object", Guarded::Object, Past::Nothing, &two, both);
        self.add_kindred("object-take-over", Guarded::Object, Past::DeadOwner, &two, both);
        self.add_kindred("object-update", Guarded::Object, Past::DeadOwner, &two, |values| {
            get_ready();
            marked(|| {
                values.values[0].update(|value| value.left = 2).unwrap();
                values.values[1].update(|value| value.left = 3).unwrap();
            });
        });
        self.add_kindred("object-commit", Guarded::Object, Past::Nothing, &twice, |values| {
            get_ready();
            marked(|| {
                let guard = values.values[0].lock().unwrap();
                values.values[0].set_left(2).unwrap();
                values.values[1].set_left(3).unwrap();
                guard.commit();
                values.values[0].set_left(4).unwrap();
            });
        });
        let set = |values: &Kindred| {
            get_ready();
            marked(|| values.values[0].set_left(2)).unwrap();
        };
        self.add_kindred("pthread", Guarded::Pthread, Past::Nothing, &one, set);
        self.add_kindred("pthread-take-over", Guarded::Pthread, Past::DeadOwner, &one, set);
        self.add_kindred("pthread-guard", Guarded::Pthread, Past::Nothing, &one, |values| {
            get_ready();
            marked(|| {
                let guard = values.values[0].lock().unwrap();
                guard.set_left(2).unwrap();
            });
        });
    }
}
