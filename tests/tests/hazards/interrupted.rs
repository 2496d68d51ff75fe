//! Signals that arrive while a thread waits.

use crate::play;

fn interrupted(call: &str) {
    play("interrupted", [call]);
    play("interrupted", [call, "--restart"]);
}

/// A signal that ended the wait would let the thread in beside the owner, or out without the lock.
#[test]
fn waiting_for_a_lock_goes_on() {
    interrupted("lock");
}

/// If every signal began the timeout anew, a program with a timer would wait for ever; if one ended it, too short.
#[test]
fn a_timeout_stays_what_it_is() {
    interrupted("lock-timeout");
}

/// The same for changes.
#[test]
fn waiting_for_a_change_goes_on() {
    interrupted("wait-for");
    interrupted("wait-for-read-only");
    interrupted("changes");
}

/// A system call that was cut short is no error.
#[test]
fn values_are_made_and_opened() {
    interrupted("open");
}
