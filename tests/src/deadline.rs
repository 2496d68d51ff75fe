//! Bounded waits.

use std::panic;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long a test waits for an event that must happen, even on a busy machine.
pub const DEADLINE: Duration = longer_if_emulated(Duration::from_secs(30));

/// Whether the tests are built for an emulated machine, as `tests/aarch64.sh` does.
pub(crate) const IS_EMULATED: bool = option_env!("SHARED_VALUE_EMULATED").is_some();

/// Returns this time, or ten times as much on an emulated machine, which is many times slower.
pub const fn longer_if_emulated(time: Duration) -> Duration {
    if IS_EMULATED { time.saturating_mul(10) } else { time }
}

/// How long the next owner of a lock may wait after the lock became free, even on a busy machine. A lock that is lost is waited
/// for in vain, so that a long time finds no fewer faults. Where faults are built in, as `tests/faults.sh` does, it is short.
pub const AT_ONCE: Duration = Duration::from_secs(if cfg!(shared_value_faulty) { 1 } else { 20 });

/// How long a test waits for an event that must not happen.
pub const SHORT: Duration = Duration::from_millis(50);

/// Runs the body of a test that would hang if a lock were wrong.
///
/// # Panics
/// If the body panics, or does not end before the deadline.
#[track_caller]
pub fn in_time(body: impl FnOnce() + Send + 'static) {
    let (sender, done) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        // Dropped at the end of the body, also if the body panics.
        let _sender = sender;
        body();
    });
    assert!(done.recv_timeout(DEADLINE) != Err(mpsc::RecvTimeoutError::Timeout), "the body hangs");
    if let Err(panicked) = thread.join() {
        panic::resume_unwind(panicked);
    }
}

/// Waits until the condition holds.
///
/// # Panics
/// If it does not hold before the deadline.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        thread::sleep(Duration::from_micros(200));
    }
}
