//! `Versions`: a value that evolves, an operation on it by a program of the old version, and a watcher of the new version.

use shared_value::{DynData, DynValue, Error, LockError, LockState, Reserved, SharedValue, Synchronized};
use shared_value_tests::stepper::{Death, Found, Harm, Scenario, marked};
use shared_value_tests::{AT_ONCE, SegmentFile, SegmentName, end_now, fork};

use crate::arenas::mapped_at;
use crate::operations::{Operations, get_ready};

mod old {
    use super::{Reserved, SharedValue};

    /// The version that victims know.
    #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    #[shared(evolves)]
    pub(crate) struct Account<const N: usize> {
        pub(crate) left: u64,
        pub(crate) spare: [Reserved<8>; N],
        pub(crate) right: u64,
    }
}

mod new {
    use super::SharedValue;

    /// The version that the watcher knows.
    #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    #[shared(evolves)]
    pub(crate) struct Account<const N: usize> {
        pub(crate) left: u64,
        pub(crate) limits: [u64; N],
        pub(crate) right: u64,
    }
}

/// The values of the new version's fields.
const LIMIT: u64 = 7;
/// Their values one commit before, in the slot that is not committed.
const STALE: u64 = 99;

/// The history of the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Past {
    Nothing,
    /// A program of the old version was killed while it wrote.
    DeadOwner,
}

/// The handles of the victim: of the old version, and of a program that knows only the schema.
struct Known<const N: usize> {
    value: Synchronized<old::Account<N>>,
    dynamic: DynValue,
}

/// A value with a version for the victim and one for the watcher, and an operation.
struct Versions<const N: usize> {
    known: Known<N>,
    watcher: Synchronized<new::Account<N>>,
    /// The fields that both know, before the operation and after each of its commits.
    states: Vec<(u64, u64)>,
    past: Past,
    victim: fn(&Known<N>),
    held: bool,
    name: SegmentName,
    cell: u64,
}

fn old<const N: usize>(left: u64, right: u64) -> old::Account<N> {
    old::Account { left, spare: [Reserved::new(); N], right }
}

impl<const N: usize> Versions<N> {
    fn new(past: Past, states: Vec<(u64, u64)>, victim: fn(&Known<N>)) -> Self {
        let name = SegmentName::new("versions");
        let value = Synchronized::create(&name, old(0, 0)).expect("the name is new");
        let watcher = Synchronized::open(&name).expect("the versions fit");
        let known = Known { value, dynamic: DynValue::open(&name).expect("it describes itself") };
        let cell = u64::from_ne_bytes(SegmentFile::open(name.path()).bytes(128, 8).try_into().expect("eight bytes"));
        Self { known, watcher, states, past, victim, held: false, name, cell }
    }

    /// Returns the number of the state, if the fields of the new version are as they were.
    fn state(&self) -> Result<usize, Harm> {
        let new::Account { left, limits, right } =
            self.watcher.load().map_err(|error| Harm::Torn(error.to_string()))?;
        if let Some(place) = limits.iter().position(|limit| *limit != LIMIT) {
            return Err(Harm::Torn(format!("limit {place} of the new version is {}", limits[place])));
        }
        let state = self.states.iter().position(|state| *state == (left, right));
        state.ok_or_else(|| Harm::Torn(format!("the fields of both versions are {left} and {right}")))
    }
}

impl<const N: usize> Scenario for Versions<N> {
    fn reset(&mut self) {
        if self.watcher.try_lock().is_err() {
            // The lock is stuck, which `inspect` has reported.
            let _ = shared_value::unlink(&self.name);
            *self = Self::new(self.past, self.states.clone(), self.victim);
        }
        // The committed slot is always the same, because it decides about the route.
        let turns = if self.watcher.version().is_multiple_of(2) { 1 } else { 2 };
        let (left, right) = self.states[0];
        for limit in [STALE; 2].into_iter().take(turns).chain([LIMIT]) {
            self.watcher.set(new::Account { left, limits: [limit; N], right }).expect("the lock is free");
        }
        if self.past == Past::DeadOwner {
            let value = self.known.value.clone();
            fork(|| {
                let guard = value.lock().expect("the lock is free");
                guard.set(old(9, 9)).expect("the lock is held");
                end_now(0);
            })
            .finish();
        }
        self.held = false;
    }

    fn victim(&self) {
        (self.victim)(&self.known);
    }

    fn stopped(&mut self, victim: u32) {
        self.held = self.watcher.lock_state() == LockState::Held { thread_id: victim };
    }

    fn inspect(&mut self, death: &Death) -> Result<Found, Harm> {
        let before = self.state()?;
        let guard = match self.watcher.lock_timeout(AT_ONCE) {
            Ok(guard) => guard,
            Err(Error::Lock(LockError::TimedOut)) => return Err(Harm::Stuck("the lock".to_owned())),
            Err(error) => return Err(Harm::Stuck(error.to_string())),
        };
        let took = death.at.elapsed();
        drop(guard);
        let state = self.state()?;
        if state != before {
            return Err(Harm::Torn(format!("{before} without the lock, {state} with it")));
        }
        // A byte that a slot has missed shows after one of the next commits, of either version.
        for turn in 0..4 {
            let written = match turn {
                0 => self.watcher.in_limits().set_at(N - 1, LIMIT),
                1 => self.known.value.update(|_| ()),
                2 => self.watcher.update(|_| ()),
                _ => self.known.value.update(|_| ()),
            };
            written.map_err(|error| Harm::Stuck(error.to_string()))?;
            let after = self.state()?;
            if after != state {
                return Err(Harm::Torn(format!("{state} before the change {turn}, {after} after it")));
            }
        }
        Ok(Found { took, died_holding: self.held, states: vec![state] })
    }

    fn last_states(&self) -> Vec<usize> {
        vec![self.states.len() - 1]
    }

    fn shared(&self) -> Vec<u8> {
        let mut told = vec![u8::from(matches!(self.watcher.lock_state(), LockState::Held { .. }))];
        told.extend(self.watcher.version().to_le_bytes());
        told
    }

    fn watched(&self) -> Vec<Vec<u64>> {
        let cell = mapped_at(&self.name.path()) + self.cell;
        let word = |number: usize| cell + 64 + number as u64 * 8;
        // The version, the draft, and words of the slot that is written: of both versions, and of the new one.
        let written = (N + 2).next_multiple_of(8);
        vec![
            vec![cell + 40, cell + 48, word(written), word(written + 1)],
            vec![cell, word(written + N), word(written + N + 1), word(written + N / 2)],
        ]
    }
}

impl Operations {
    fn add_version<const N: usize>(&mut self, name: &str, past: Past, states: &[(u64, u64)], victim: fn(&Known<N>)) {
        let states = states.to_vec();
        let size = size_of::<old::Account<N>>();
        self.push(&format!("{name}-{size}"), move || Box::new(Versions::new(past, states.clone(), victim)));
    }

    /// Adds writes of whole values by programs that know only some of the fields.
    pub(crate) fn add_versions(&mut self) {
        self.add_versions_of::<6>();
        self.add_versions_of::<510>();
    }

    fn add_versions_of<const N: usize>(&mut self) {
        self.add_version::<N>("version-set", Past::Nothing, &[(1, 1), (2, 3)], |known| {
            get_ready();
            let value = old(2, 3);
            marked(|| known.value.copy_from(&value)).unwrap();
        });
        self.add_version::<N>("version-update", Past::Nothing, &[(1, 1), (2, 1)], |known| {
            get_ready();
            marked(|| known.value.update(|value| value.left = 2)).unwrap();
        });
        self.add_version::<N>("version-guard", Past::Nothing, &[(1, 1), (2, 2), (2, 3)], |known| {
            get_ready();
            let values = [old(2, 2), old(4, 4)];
            marked(|| {
                let guard = known.value.lock().unwrap();
                guard.copy_from(&values[0]).unwrap();
                guard.commit();
                guard.copy_from(&values[1]).unwrap();
                guard.rollback();
                guard.set_right(3).unwrap();
            });
        });
        self.add_version::<N>("version-take-over", Past::DeadOwner, &[(1, 1), (2, 3)], |known| {
            get_ready();
            let value = old(2, 3);
            marked(|| known.value.copy_from(&value)).unwrap();
        });
        self.add_version::<N>("version-dynamic", Past::Nothing, &[(1, 1), (2, 3)], |known| {
            get_ready();
            let fields = [("left", 2_u64), ("right", 3)].map(|(name, value)| (name.to_owned(), DynData::from(value)));
            let data = DynData::Struct { name: "Account".to_owned(), fields: fields.into() };
            marked(|| known.dynamic.set("", data)).unwrap();
        });
    }
}
