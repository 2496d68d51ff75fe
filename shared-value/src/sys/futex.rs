//! Sleeping until a word of shared memory changes (`futex(2)`).

use std::time::Duration;

use rustix::thread::futex;
use rustix::thread::futex::{Flags, Timespec};

use crate::primitive::AtomicU32;

/// Sleeps until the word is woken, at most for `timeout` by `CLOCK_MONOTONIC`, if it still holds `expected`.
///
/// It may return early for no reason; the caller looks at the word again in any case.
pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Duration) {
    let timeout = Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    // Without the private flag, because the sleepers may be in several processes. Every error (the word changed, a
    // signal came, the time is over) means the same to the caller.
    let _ = futex::wait(word, Flags::empty(), expected, Some(&timeout));
}

/// Wakes one sleeper.
pub(crate) fn wake_one(word: &AtomicU32) {
    wake(word, 1);
}

/// Wakes all sleepers.
pub(crate) fn wake_all(word: &AtomicU32) {
    wake(word, i32::MAX.unsigned_abs());
}

fn wake(word: &AtomicU32, most: u32) {
    // Fails only for an address that is not mapped, which a reference rules out.
    let _ = futex::wake(word, Flags::empty(), most);
}
