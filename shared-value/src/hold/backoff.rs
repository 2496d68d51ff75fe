//! `Backoff`: pauses between attempts that fail because of other threads.

use std::time::Duration;

use crate::lock::interruption;
use crate::sys;

/// Pauses for this long, unless a signal ends the pause.
pub(crate) fn pause(duration: Duration) {
    if sys::thread::sleep(duration).is_err() {
        interruption::note();
    }
}

/// Pauses that double each time, up to a limit.
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    /// The number of pauses so far.
    made: u32,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, made: 0 }
    }

    /// Returns how long the pause of this number is, counted from zero.
    pub(crate) fn pause(&self, number: u32) -> Duration {
        self.first.saturating_mul(1 << number.min(20)).min(self.longest)
    }

    /// Pauses between attempts to read, when writers commit faster than this thread copies: sooner or later the writers
    /// pause too.
    pub(crate) const fn between_reads() -> Self {
        Self::new(Duration::from_nanos(100), Duration::from_millis(1))
    }

    /// Pauses between attempts to open a value that another process has not created yet.
    pub(crate) fn until_created() -> Self {
        Self::new(Duration::from_micros(100), Duration::from_millis(20))
    }

    /// Sleeps for the next pause, but for no longer than `most`.
    pub(crate) fn sleep_at_most(&mut self, most: Duration) {
        pause(self.pause(self.made).min(most));
        self.made = self.made.saturating_add(1);
    }
}
