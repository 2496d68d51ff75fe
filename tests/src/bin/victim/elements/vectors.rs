//! `Growing`: a vector or a text, and an operation that changes its length and its elements in one commit.

use std::time::Duration;

use shared_value::{Capacity, DynData, DynValue, Error, LockError, LockState, SharedString, SharedVec};
use shared_value_tests::stepper::{Death, Found, Harm, Scenario, marked};
use shared_value_tests::{AT_ONCE, SegmentFile, SegmentName};

use crate::arenas::mapped_at;
use crate::operations::{Operations, get_ready};

/// The words of the elements. Their marks have two levels.
const WORDS: usize = 600;

/// The words before the elements, in each slot.
const HEAD: usize = 8;

/// The offset of the slots in a cell.
const CONTROL: u64 = 64;

/// The elements of a vector, or the bytes of a text.
type State = Vec<u64>;

/// A value whose length changes.
#[derive(Clone)]
pub(crate) enum Value {
    Vector(SharedVec<u64>),
    Text(SharedString),
}

/// Does the same with either value.
macro_rules! either {
    ($value:expr, $handle:ident => $work:expr) => {
        match $value {
            Value::Vector($handle) => $work,
            Value::Text($handle) => $work,
        }
    };
}

impl Value {
    fn vector(name: &SegmentName) -> Self {
        Self::Vector(SharedVec::create(name, Capacity(WORDS)).expect("the name is free"))
    }

    fn text(name: &SegmentName) -> Self {
        Self::Text(SharedString::create(name, Capacity(8 * WORDS)).expect("the name is free"))
    }

    fn load(&self) -> Result<State, Error> {
        match self {
            Self::Vector(vector) => vector.load(),
            Self::Text(text) => Ok(text.load()?.bytes().map(u64::from).collect()),
        }
    }

    fn set(&self, state: &[u64]) -> Result<(), Error> {
        match self {
            Self::Vector(vector) => vector.set(state),
            Self::Text(text) => text.set(&text_of(state)),
        }
    }

    /// Adds an element at the end.
    fn push(&self, element: u8) -> Result<(), Error> {
        match self {
            Self::Vector(vector) => vector.push(element.into()),
            Self::Text(text) => text.push_str(char::from(element).encode_utf8(&mut [0; 4])),
        }
    }

    fn version(&self) -> u64 {
        either!(self, handle => handle.version())
    }

    fn lock_state(&self) -> LockState {
        either!(self, handle => handle.lock_state())
    }

    /// Takes the lock and releases it, and returns whether its last owner had died.
    fn recovered(&self, within: Duration) -> Result<bool, Error> {
        either!(self, handle => handle.lock_timeout(within).map(|guard| guard.recovered()))
    }
}

fn text_of(state: &[u64]) -> String {
    state.iter().map(|byte| char::from(u8::try_from(*byte).expect("it is ASCII"))).collect()
}

/// A value whose length changes, and an operation on it.
struct Growing {
    value: Value,
    create: fn(&SegmentName) -> Value,
    states: Vec<State>,
    victim: fn(&Value),
    /// Whether the victim held the lock when it was stopped.
    held: bool,
    name: SegmentName,
}

impl Growing {
    fn state(&self) -> Result<usize, Harm> {
        let found = self.value.load().map_err(|error| Harm::Torn(error.to_string()))?;
        let state = self.states.iter().position(|state| *state == found);
        state.ok_or_else(|| Harm::Torn(format!("{} elements: {found:?}", found.len())))
    }

    fn make_anew(&mut self) {
        let _ = shared_value::unlink(&self.name);
        self.value = (self.create)(&self.name);
    }
}

impl Scenario for Growing {
    fn reset(&mut self) {
        // If the lock is stuck, `inspect` has reported that.
        if !matches!(self.value.lock_state(), LockState::Free) {
            self.make_anew();
        }
        // The committed slot and the marks are always the same, because they decide about the route. The other slot has other
        // elements behind those that are committed.
        for _ in 0..2 {
            self.value.set(&self.states[0]).expect("the lock is free");
            self.value.push(b'!').expect("there is room");
            self.value.set(&self.states[0]).expect("the lock is free");
        }
        self.held = false;
    }

    fn victim(&self) {
        get_ready();
        assert!(self.value.load().is_ok());
        (self.victim)(&self.value);
    }

    fn stopped(&mut self, victim: u32) {
        self.held = self.value.lock_state() == LockState::Held { thread_id: victim };
    }

    fn inspect(&mut self, death: &Death) -> Result<Found, Harm> {
        let before = self.state()?;
        let recovered = match self.value.recovered(AT_ONCE) {
            Ok(recovered) => recovered,
            Err(Error::Lock(LockError::TimedOut)) => return Err(Harm::Stuck("the lock".to_owned())),
            Err(error) => return Err(Harm::Stuck(error.to_string())),
        };
        let took = death.at.elapsed();
        if recovered != self.held {
            return Err(Harm::Miscounted(format!("held: {}, recovered: {recovered}", self.held)));
        }
        let state = self.state()?;
        if state != before {
            return Err(Harm::Torn(format!("{before} without the lock, {state} with it")));
        }
        // An element that a slot has missed shows after one of the next commits.
        let mut expected = self.states[state].clone();
        for element in *b"xyz" {
            expected.push(element.into());
            self.value.push(element).map_err(|error| Harm::Stuck(error.to_string()))?;
            let found = self.value.load().map_err(|error| Harm::Torn(error.to_string()))?;
            if found != expected {
                return Err(Harm::Torn(format!("after a push, {found:?} instead of {expected:?}")));
            }
        }
        Ok(Found { took, died_holding: self.held, states: vec![state] })
    }

    fn last_states(&self) -> Vec<usize> {
        vec![self.states.len() - 1]
    }

    fn shared(&self) -> Vec<u8> {
        let mut told = vec![u8::from(matches!(self.value.lock_state(), LockState::Held { .. }))];
        told.extend(self.value.version().to_le_bytes());
        told
    }

    fn watched(&self) -> Vec<Vec<u64>> {
        let file = SegmentFile::open(self.name.path());
        let cell = mapped_at(&self.name.path()) + file.cell_offset();
        let word = |number: usize| cell + CONTROL + number as u64 * 8;
        let slot = WORDS + HEAD;
        // First the version, the draft, and the numbers of elements in both slots; then the marks, and elements in both slots.
        let elements = [word(HEAD + 1), word(slot + HEAD + 1)];
        vec![
            vec![cell + 40, cell + 48, word(0), word(slot)],
            vec![word(2 * slot), word(2 * slot + 1), elements[0], elements[1]],
        ]
    }
}

/// Returns the handle of a vector.
fn vector(value: &Value) -> &SharedVec<u64> {
    let Value::Vector(vector) = value else { unreachable!("the operation is on a vector") };
    vector
}

impl Operations {
    fn add_growing(&mut self, name: &str, states: &[State], victim: fn(&Value)) {
        let states = states.to_vec();
        let create = if name.starts_with("string") { Value::text } else { Value::vector };
        self.push(name, move || {
            let name = SegmentName::new("growing");
            let (value, states) = (create(&name), states.clone());
            Box::new(Growing { value, create, states, victim, held: false, name })
        });
    }

    /// Adds changes of values whose length changes.
    pub(crate) fn add_vectors(&mut self) {
        let old: State = (0..20).collect();
        let with = |more: &[u64]| [&old[..], more].concat();
        self.add_growing("vec-push", &[old.clone(), with(&[70])], |value| {
            marked(|| vector(value).push(70)).unwrap();
        });
        let more: State = (100..230).collect();
        self.add_growing("vec-extend", &[old.clone(), with(&more)], |value| {
            let more: State = (100..230).collect();
            marked(|| vector(value).extend_from_slice(&more)).unwrap();
        });
        self.add_growing("vec-grow", &[old.clone(), with(&more)], |value| {
            let more: State = (100..230).collect();
            // This handle does not know what has memory, and asks the kernel.
            let opened = SharedVec::<u64>::open(vector(value).segment_name()).unwrap();
            marked(|| opened.extend_from_slice(&more)).unwrap();
        });
        self.add_growing("vec-truncate", &[old.clone(), old[..3].to_vec()], |value| {
            marked(|| vector(value).truncate(3)).unwrap();
        });
        self.add_growing("vec-dyn-extend", &[old.clone(), with(&more)], |value| {
            let more = DynData::Array((100..230_u64).map(DynData::from).collect());
            let opened = DynValue::open(vector(value).segment_name()).unwrap();
            marked(|| opened.extend(more)).unwrap();
        });
        self.add_growing("vec-dyn-set", &[old.clone(), more.clone()], |value| {
            let more = DynData::Array((100..230_u64).map(DynData::from).collect());
            let opened = DynValue::open(vector(value).segment_name()).unwrap();
            marked(|| opened.set("", more)).unwrap();
        });
        let committed = [&old[..5], &[1, 2]].concat();
        let last = [&old[..5], &[1, 9]].concat();
        self.add_growing("vec-guard", &[old.clone(), committed, last], |value| {
            marked(|| {
                let guard = vector(value).lock().unwrap();
                guard.truncate(5).unwrap();
                guard.extend_from_slice(&[1, 2]).unwrap();
                guard.commit();
                guard.pop().unwrap();
                guard.push(9).unwrap();
            });
        });
        let texts =
            ["a short text", "a text that is much longer than the one that was there before, and needs more blocks"];
        let states = texts.map(|text| text.bytes().map(u64::from).collect());
        self.add_growing("string-set", &states, |value| {
            let Value::Text(text) = value else { unreachable!("the operation is on a text") };
            let new = "a text that is much longer than the one that was there before, and needs more blocks";
            marked(|| text.set(new)).unwrap();
        });
    }
}
