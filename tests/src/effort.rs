//! The work of a thread, or of a process, which other programs on the machine do not change much, as they do the time that it takes.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Returns how long the calling thread has run on a processor.
///
/// # Panics
/// If the kernel returns a time before zero.
pub fn processor_time() -> Duration {
    spent(ClockId::ThreadCPUTime)
}

/// Returns how long all threads of this process have run on a processor.
///
/// # Panics
/// If the kernel returns a time before zero.
pub fn processor_time_of_all() -> Duration {
    spent(ClockId::ProcessCPUTime)
}

fn spent(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).expect("a time that has been spent")
}
