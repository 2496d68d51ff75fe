//! `Patience`: how long a change waits for the lock, as a type, so that the fast paths of changes without a limit pay nothing.

use std::time::Duration;

use crate::lock::{Refusal, Wait};

/// How long a change waits for the lock.
pub(crate) trait Patience: Copy {
    /// Lets the closure take a lock. It may be called twice; the first call then has taken nothing.
    fn take<R>(self, take: impl FnMut(Wait) -> Result<R, Refusal>) -> Result<R, Refusal>;
}

/// Waits as long as needed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unlimited;

impl Patience for Unlimited {
    #[inline(always)]
    fn take<R>(self, mut take: impl FnMut(Wait) -> Result<R, Refusal>) -> Result<R, Refusal> {
        take(Wait::Forever)
    }
}

/// Waits for at most this long; zero: makes one attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limited(pub(crate) Duration);

impl Patience for Limited {
    /// The clock is read only if the first attempt fails.
    #[inline(always)]
    fn take<R>(self, mut take: impl FnMut(Wait) -> Result<R, Refusal>) -> Result<R, Refusal> {
        match take(Wait::Never) {
            Err(Refusal::WouldBlock) if !self.0.is_zero() => take(Wait::at_most(self.0)),
            taken => taken,
        }
    }
}
