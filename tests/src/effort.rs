//! The work of a thread, which other programs on the machine do not change much, as they do the time that it takes.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Returns how long the calling thread has run on a processor.
///
/// # Panics
/// If the kernel returns a time before zero.
pub fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("a time that has been spent")
}
