//! `Forking`: a process that has a value of an arena open forks, and dies. Its child is killed before it has used the library.

use std::time::Instant;

use rustix::process::{getpid, set_child_subreaper};
use shared_value::{Arena, Synchronized};
use shared_value_tests::stepper::{Death, Found, Harm, Scenario, marked};
use shared_value_tests::{AT_ONCE, SegmentName, split};

use crate::arenas::CAPACITY;
use crate::operations::Operations;

/// An arena with a value that the child inherits, and one that it does not.
struct Forking {
    arena: Option<Arena>,
    name: Option<SegmentName>,
    /// The bytes of the value that the child inherits.
    bytes: usize,
    /// The values that were claimed right before the death, when both were removed: 0 means both, 1 the inherited one.
    claimed: Result<usize, Harm>,
}

const INHERITED: &str = "inherited";
const OTHER: &str = "other";

impl Forking {
    fn new() -> Self {
        set_child_subreaper(Some(getpid())).expect("it needs no right");
        Self { arena: None, name: None, bytes: 0, claimed: Ok(0) }
    }

    fn arena(&self) -> &Arena {
        self.arena.as_ref().expect("`reset` made it")
    }

    /// Removes both values while the child is stopped, and nothing else claims them.
    fn remove(&self) -> Result<usize, Harm> {
        let stuck = |error: shared_value::Error| Harm::Stuck(error.to_string());
        for key in [INHERITED, OTHER] {
            self.arena().remove(key).map_err(stuck)?;
        }
        let stats = self.arena().stats();
        match (stats.removed, stats.removed_bytes) {
            (2, _) => Ok(0),
            (1, bytes) if bytes == self.bytes => Ok(1),
            _ => Err(Harm::Lost(format!("the value that the child has, of {} bytes: {stats:?}", self.bytes))),
        }
    }
}

impl Scenario for Forking {
    fn reset(&mut self) {
        (self.arena, self.name) = (None, None);
        let name = SegmentName::new("forking");
        let arena = Arena::create(&*name, CAPACITY).expect("the name is new");
        drop(arena.insert(INHERITED, [1_u64; 3]).expect("there is space"));
        self.bytes = arena.stats().live_bytes;
        drop(arena.insert(OTHER, [2_u64; 30]).expect("there is space"));
        (self.arena, self.name) = (Some(arena), Some(name));
    }

    fn victim(&self) {
        Synchronized::new(0_u64).and_then(|scratch| scratch.set(1)).expect("memory for a number");
        let inherited = self.arena().get::<[u64; 3]>(INHERITED).expect("it can be opened").expect("it is there");
        let child = marked(split);
        assert!(child.is_none() && inherited.get() == [1; 3]);
    }

    fn kills_child(&self) -> bool {
        true
    }

    fn stopped(&mut self, _victim: u32) {
        self.claimed = self.remove();
    }

    fn inspect(&mut self, _death: &Death) -> Result<Found, Harm> {
        let start = Instant::now();
        let state = self.claimed.clone()?;
        while self.arena().stats().removed > 0 {
            if start.elapsed() > AT_ONCE {
                return Err(Harm::Lost(format!("space: {:?}", self.arena().stats())));
            }
            let again = self.arena().insert(OTHER, 3_u64).map(drop).and_then(|()| self.arena().remove(OTHER));
            again.map_err(|error| Harm::Stuck(error.to_string()))?;
        }
        Ok(Found { took: start.elapsed(), died_holding: false, states: vec![state] })
    }

    fn last_states(&self) -> Vec<usize> {
        vec![1]
    }

    fn shared(&self) -> Vec<u8> {
        // The child changes locks of the file only, by system calls.
        Vec::new()
    }
}

impl Operations {
    /// Adds an operation in which a child is killed.
    pub(crate) fn add_forking(&mut self) {
        self.push("arena-fork", || Box::new(Forking::new()));
    }
}
