//! The clock that all processes share.

use rustix::time::{ClockId, clock_gettime};

/// Returns the nanoseconds of the monotonic clock.
pub fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}
