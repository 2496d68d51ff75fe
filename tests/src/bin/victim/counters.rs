//! `Counting`: a counter in lanes, an operation on it, and processes that count after a death.

use std::cell::RefCell;

use shared_value::{Counter, LockState, SharedCounter};
use shared_value_tests::stepper::{Death, Found, Harm, Scenario, marked};
use shared_value_tests::{AT_ONCE, SegmentFile, SegmentName, end_now, fork};

use crate::arenas::mapped_at;
use crate::operations::{Operations, get_ready};

/// One lane that can be owned, and a shared one.
const LANES: usize = 2;
/// The bytes of both.
const LENGTH: u64 = 2 * 64;

/// The first total of the counter.
const START: u64 = 10;

type Handle = SharedCounter<LANES>;

/// The history of the lane that can be owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Past {
    Free,
    /// Its owner was killed.
    DeadOwner,
    /// The survivor owns it.
    Owned,
}

/// A counter, and an operation on it.
struct Counting {
    /// Empty in a victim that has dropped it.
    counter: RefCell<Option<Handle>>,
    file: SegmentFile,
    image: Vec<u8>,
    name: SegmentName,
    /// The totals before the operation, and after each of its steps.
    states: Vec<u64>,
    victim: fn(&Counting),
    held: bool,
}

impl Counting {
    fn new(past: Past, states: Vec<u64>, victim: fn(&Self)) -> Self {
        let name = SegmentName::new("counting");
        let counter = Handle::create(&name, Counter::new(START)).expect("the name is new");
        match past {
            Past::Free => {}
            Past::DeadOwner => fork(|| {
                counter.add(0);
                end_now(0);
            })
            .finish(),
            Past::Owned => counter.add(0),
        }
        let length = std::fs::metadata(name.path()).expect("it has a file").len();
        let file = SegmentFile::open(name.path());
        let image = file.bytes(0, usize::try_from(length).expect("it fits into memory"));
        Self { counter: RefCell::new(Some(counter)), file, image, name, states, victim, held: false }
    }

    fn with<R>(&self, work: impl FnOnce(&Handle) -> R) -> R {
        work(self.counter.borrow().as_ref().expect("only a victim drops it"))
    }

    fn total(&self) -> u64 {
        self.with(|counter| counter.total())
    }
}

impl Scenario for Counting {
    fn reset(&mut self) {
        self.file.overwrite(0, &self.image);
        self.held = false;
    }

    fn victim(&self) {
        (self.victim)(self);
    }

    fn stopped(&mut self, victim: u32) {
        self.held = self.with(Handle::lock_state) == LockState::Held { thread_id: victim };
    }

    fn inspect(&mut self, death: &Death) -> Result<Found, Harm> {
        let total = self.total();
        let state = self.states.iter().position(|state| *state == total);
        let state = state.ok_or_else(|| Harm::Lost(format!("the total is {total}")))?;
        let stuck = |error: shared_value::Error| Harm::Stuck(error.to_string());
        self.with(|counter| counter.lock_timeout(AT_ONCE).map(drop)).map_err(stuck)?;
        let took = death.at.elapsed();
        // The survivor, then a process that has counted nothing yet: it takes over the lane of the victim, if there is one.
        self.with(|counter| counter.add(3));
        fork(|| self.with(|counter| counter.add(4))).finish();
        self.with(|counter| counter.add(5));
        if self.total() != total + 12 {
            return Err(Harm::Lost(format!("{total} and 12 make {}", self.total())));
        }
        let taken = self.with(|counter| counter.reset()).map_err(stuck)?;
        if (taken, self.total()) != (total + 12, 0) {
            return Err(Harm::Torn(format!("the reset took {taken} of {}, and left {}", total + 12, self.total())));
        }
        Ok(Found { took, died_holding: self.held, states: vec![state] })
    }

    fn last_states(&self) -> Vec<usize> {
        vec![self.states.len() - 1]
    }

    fn shared(&self) -> Vec<u8> {
        self.file.bytes(0, self.image.len())
    }

    fn watched(&self) -> Vec<Vec<u64>> {
        let start = mapped_at(&self.name.path());
        let lanes = start + self.image.len() as u64 - LENGTH;
        let cell = start + self.file.cell_offset();
        vec![vec![lanes, lanes + 8, lanes + LENGTH / 2 + 8, cell + 40], vec![cell, cell + 48]]
    }
}

impl Operations {
    fn add_count(&mut self, name: &str, past: Past, states: &[u64], victim: fn(&Counting)) {
        let states = states.to_vec();
        self.push(name, move || Box::new(Counting::new(past, states.clone(), victim)));
    }

    /// Adds additions to a counter, and its reset.
    pub(crate) fn add_counters(&mut self) {
        const COUNTED: [u64; 3] = [START, START + 1, START + 3];
        let count: fn(&Counting) = |counting| {
            get_ready();
            counting.with(|counter| {
                marked(|| {
                    counter.add(1);
                    counter.add(2);
                });
            });
        };
        self.add_count("count-first", Past::Free, &COUNTED, count);
        self.add_count("count-take-over", Past::DeadOwner, &COUNTED, count);
        self.add_count("count-shared", Past::Owned, &COUNTED, count);
        self.add_count("count", Past::Free, &COUNTED, |counting| {
            counting.with(|counter| {
                counter.add(0);
                marked(|| {
                    counter.add(1);
                    counter.add(2);
                });
            });
        });
        self.add_count("count-reset", Past::Free, &[START, 0], |counting| {
            get_ready();
            counting.with(|counter| marked(|| counter.reset()).unwrap());
        });
        self.add_count("count-drop", Past::Free, &[START], |counting| {
            counting.with(|counter| counter.add(0));
            let counter = counting.counter.take();
            marked(|| drop(counter));
        });
    }
}
