//! `Backoff`: pauses between attempts that other threads keep from succeeding.

use std::thread;
use std::time::Duration;

/// Pauses that double, up to a longest.
pub(crate) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { next: first, longest }
    }

    /// Between attempts to read while writers commit faster than this thread copies: at some moment they pause too.
    pub(crate) fn between_reads() -> Self {
        Self::new(Duration::from_nanos(100), Duration::from_millis(1))
    }

    /// Between attempts to open what another process has not created yet.
    pub(crate) fn until_created() -> Self {
        Self::new(Duration::from_micros(100), Duration::from_millis(20))
    }

    /// Sleeps for the next pause, but for no longer than `most`.
    pub(crate) fn sleep_at_most(&mut self, most: Duration) {
        thread::sleep(self.next.min(most));
        self.next = (self.next * 2).min(self.longest);
    }

    /// Sleeps for the next pause.
    pub(crate) fn sleep(&mut self) {
        self.sleep_at_most(Duration::MAX);
    }
}
