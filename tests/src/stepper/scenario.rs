//! `Scenario`: an operation, who takes part in it, and what must be true when one of them is dead.

use std::fmt;
use std::time::{Duration, Instant};

/// An operation to be killed in.
///
/// All but [`victim`](Self::victim) run in the process that survives.
pub trait Scenario {
    /// Puts what the processes share back to where the operation starts from.
    fn reset(&mut self);

    /// Runs in the forked victim: gets ready and calls [`marked`](super::marked), once.
    fn victim(&self);

    /// What a survivor finds when the victim is dead.
    ///
    /// # Errors
    /// What it must not find.
    fn inspect(&mut self, death: &Death) -> Result<Found, Harm>;

    /// The last of the states of each value that the survivor looks at: what it finds when the operation is complete.
    fn last_states(&self) -> Vec<usize>;

    /// Shared bytes that tell how far the operation is. A sample of the points holds those at which they change.
    fn shared(&self) -> Vec<u8>;

    /// The addresses of words that tell how far the operation is, in sets of at most four: for each set there is a sweep
    /// of its own. For [`Points::Changes`]; without any set, a few points are taken at random instead.
    ///
    /// [`Points::Changes`]: super::Points::Changes
    fn watched(&self) -> Vec<Vec<u64>> {
        vec![Vec::new()]
    }

    /// The victim is stopped before the first instruction of the operation.
    fn started(&mut self) {}

    /// The victim sleeps in a system call.
    fn asleep(&mut self) {}

    /// The victim is stopped where it will be killed.
    fn stopped(&mut self, _victim: u32) {}

    /// Whether the points before the victim sleeps are left out, because another scenario has the same.
    fn starts_asleep(&self) -> bool {
        false
    }
}

/// How a victim died.
#[derive(Clone, Copy, Debug)]
pub struct Death {
    /// The kernel's id of it.
    pub victim: u32,
    /// When it was killed.
    pub at: Instant,
}

/// What a survivor found, and it was well.
#[derive(Clone, Debug)]
pub struct Found {
    /// How long it took to get the lock.
    pub took: Duration,
    /// Whether the victim held a lock when it died.
    pub died_holding: bool,
    /// How many states each value is from the one before the operation.
    pub states: Vec<usize>,
}

/// What a survivor must not find.
#[derive(Clone, Debug)]
pub enum Harm {
    /// The lock cannot be had.
    Stuck(String),
    /// The value is none of those that were ever committed, or something exists in part.
    Torn(String),
    /// What was committed is gone.
    Lost(String),
    /// The lock says that its owner died where it did not, or the other way round.
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
