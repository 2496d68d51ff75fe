//! `Backoff`: pauses between attempts that fail because of other threads.

use std::thread;
use std::time::Duration;

/// Pauses that double each time, up to a limit.
pub(crate) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { next: first, longest }
    }

    /// Pauses between attempts to read, when writers commit faster than this thread copies: sooner or later the writers
    /// pause too.
    pub(crate) fn between_reads() -> Self {
        Self::new(Duration::from_nanos(100), Duration::from_millis(1))
    }

    /// Pauses between attempts to open a value that another process has not created yet.
    pub(crate) fn until_created() -> Self {
        Self::new(Duration::from_micros(100), Duration::from_millis(20))
    }

    /// Sleeps for the next pause, but for no longer than `most`.
    pub(crate) fn sleep_at_most(&mut self, most: Duration) {
        thread::sleep(self.next.min(most));
        self.next = (self.next * 2).min(self.longest);
    }
}
