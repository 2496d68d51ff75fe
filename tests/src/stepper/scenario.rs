//! `Scenario`: an operation in which a victim is killed, and the checks after its death.

use std::fmt;
use std::time::{Duration, Instant};

/// An operation in which a victim is killed, and the checks after its death.
///
/// All methods except [`victim`](Self::victim) run in the survivor.
pub trait Scenario {
    /// Puts the shared values back into the states before the operation.
    fn reset(&mut self);

    /// Runs in the forked victim: prepares, and calls [`marked`](super::marked) once.
    fn victim(&self);

    /// Returns whether the victim forks between its marks, and is killed then, and the sweep kills its child. The child comes to the
    /// second mark. This process must be a subreaper (`PR_SET_CHILD_SUBREAPER` of `prctl(2)`).
    fn kills_child(&self) -> bool {
        false
    }

    /// Checks the shared values when the victim is dead, and returns their states.
    ///
    /// # Errors
    /// The harm that the death has done.
    fn inspect(&mut self, death: &Death) -> Result<Found, Harm>;

    /// Returns the number of the last state of each value: its state after the complete operation.
    fn last_states(&self) -> Vec<usize>;

    /// Returns shared bytes that change as the operation proceeds. [`Points::AtMost`] prefers the points at which they
    /// change.
    ///
    /// [`Points::AtMost`]: super::Points::AtMost
    fn shared(&self) -> Vec<u8>;

    /// Returns the addresses of words that change as the operation proceeds, in sets of at most four, for
    /// [`Points::Changes`]. Each set makes a sweep of its own; without a set, a few points are chosen at random.
    ///
    /// [`Points::Changes`]: super::Points::Changes
    fn watched(&self) -> Vec<Vec<u64>> {
        vec![Vec::new()]
    }

    /// Called when the victim is stopped before the first instruction of the operation.
    fn started(&mut self) {}

    /// Called when the victim sleeps in a system call.
    fn asleep(&mut self) {}

    /// Called when the victim is stopped at the point where it will be killed.
    fn stopped(&mut self, _victim: u32) {}

    /// Returns whether to leave out the points before the victim sleeps, because another scenario has the same points.
    fn starts_asleep(&self) -> bool {
        false
    }
}

/// The death of a victim.
#[derive(Clone, Copy, Debug)]
pub struct Death {
    /// The thread id of the victim.
    pub victim: u32,
    /// The time of the kill.
    pub at: Instant,
}

/// The findings of a survivor after a death that did no harm.
#[derive(Clone, Debug)]
pub struct Found {
    /// The time that it took to get the lock.
    pub took: Duration,
    /// Whether the victim held a lock when it died.
    pub died_holding: bool,
    /// The number of the state of each value, counted from 0, the state before the operation.
    pub states: Vec<usize>,
}

/// Harm that a death has done.
#[derive(Clone, Debug)]
pub enum Harm {
    /// The lock cannot be taken.
    Stuck(String),
    /// The value differs from every value that was ever committed, or exists in part only.
    Torn(String),
    /// A committed value is lost.
    Lost(String),
    /// The lock reports a dead owner where none died, or does not report one that died.
    Miscounted(String),
}

impl fmt::Display for Harm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stuck(what) => write!(formatter, "stuck: {what}"),
            Self::Torn(what) => write!(formatter, "torn: {what}"),
            Self::Lost(what) => write!(formatter, "lost: {what}"),
            Self::Miscounted(what) => write!(formatter, "miscounted: {what}"),
        }
    }
}
