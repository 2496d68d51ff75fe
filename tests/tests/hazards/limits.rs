//! As many locks as a thread may hold, and as often.

use crate::play;

/// The kernel stops after 2,048 locks of a dying thread: those behind, of whichever kind, would stay locked for ever.
#[test]
fn all_locks_that_a_thread_may_hold_are_recovered() {
    play("limits", ["held"]);
}

/// A count that ran over would release the lock under its owner.
#[test]
fn one_hold_too_many_is_refused_and_changes_nothing() {
    play("limits", ["deep"]);
}
