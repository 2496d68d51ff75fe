//! The most locks that a thread may hold, and how often it may hold one.

use crate::play;

/// The kernel frees 2,048 locks of a dying thread: further ones, of every kind, would stay locked forever.
#[test]
fn all_locks_that_a_thread_may_hold_are_recovered() {
    play("limits", ["held"]);
}

/// A count of holds that overflowed would release the lock too early.
#[test]
fn one_hold_too_many_is_refused_and_changes_nothing() {
    play("limits", ["deep"]);
}

/// Beyond 2,048 entries, the kernel frees no lock, and a list that was cut there loses mutexes of the C library.
#[test]
fn mutexes_of_the_c_library_leave_too_little_room() {
    play("limits", ["foreign"]);
}
