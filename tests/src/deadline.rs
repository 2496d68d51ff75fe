//! Waiting, but not for ever.

use std::panic;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long a test waits for what must happen, on however busy a machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// How long the next owner of a lock may have to wait for it once it is free.
pub const AT_ONCE: Duration = Duration::from_secs(1);

/// How long a test waits to see that something does not happen.
pub const SHORT: Duration = Duration::from_millis(50);

/// Runs the body of a test that would hang if a lock were not as it should be.
///
/// # Panics
/// If the body does, or is not done before the deadline.
#[track_caller]
pub fn in_time(body: impl FnOnce() + Send + 'static) {
    let (sender, done) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        // Dropped at the end, also by a panic.
        let _sender = sender;
        body();
    });
    assert!(done.recv_timeout(DEADLINE) != Err(mpsc::RecvTimeoutError::Timeout), "it hangs");
    if let Err(panicked) = thread.join() {
        panic::resume_unwind(panicked);
    }
}

/// Waits until the condition holds.
///
/// # Panics
/// If it does not before the deadline.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        thread::sleep(Duration::from_micros(200));
    }
}
