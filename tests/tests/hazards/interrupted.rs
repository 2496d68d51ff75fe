//! Signals that arrive while a thread waits.

use crate::play;

fn interrupted(call: &str) {
    play("interrupted", [call]);
    play("interrupted", [call, "--restart"]);
}

/// If a signal ended the wait, the thread would go on without the lock.
#[test]
fn waiting_for_a_lock_goes_on() {
    interrupted("lock");
}

/// If every signal restarted the timeout, a program with a timer would wait forever; if a signal ended the wait, the wait
/// would be too short.
#[test]
fn a_timeout_is_kept() {
    interrupted("lock-timeout");
}

/// If a signal ended the wait for a change, the thread would see none.
#[test]
fn waiting_for_a_change_goes_on() {
    interrupted("wait-for");
    interrupted("wait-for-read-only");
    interrupted("changes");
}

/// A system call that a signal interrupts must be repeated, and must not fail the creation or opening of a value.
#[test]
fn values_are_created_and_opened() {
    interrupted("open");
}
