//! Forks with locks held.

use crate::play;

/// A child that took its parent's record over as its own would own, commit or release what is not its own; one whose
/// parent lost its list by the fork would leave locks behind.
#[test]
fn a_child_owns_nothing_of_what_its_parent_holds() {
    play("fork", ["many-held"]);
}

/// If a dead owner's child stood in for it, the lock would stay held as long as the child lives; if the child's copy of
/// the guard counted, dropping it would release what is the successor's.
#[test]
fn a_parent_that_dies_is_rolled_back_although_a_child_lives() {
    play("fork", ["parent-killed"]);
}

/// A copy of a guard may be dropped when the lock is somebody else's, who would lose it.
#[test]
fn copies_of_a_guard_release_nothing_in_any_generation() {
    play("fork", ["copies"]);
}

/// The child's own hold must not end with the copy of its parent's guard.
#[test]
fn a_copy_of_a_guard_does_nothing_to_the_childs_own_hold() {
    play("fork", ["retaken"]);
}

/// However a child gets out of the closure, it must not commit, roll back or release what its parent is working on.
#[test]
fn a_child_may_leave_an_update_in_every_way() {
    play("fork", ["in-update"]);
}

/// A child waits for the owner that it has no copy of, as any other process does.
#[test]
fn a_child_takes_over_from_a_thread_of_its_parent() {
    play("fork", ["another-ends"]);
}

/// The child's memory is its own: what its parent holds must neither keep it nor go with it.
#[test]
fn a_child_may_drop_all_handles_and_open_the_value_again() {
    play("fork", ["handles-dropped"]);
}

/// A program that is started is a fork for a moment.
#[test]
fn starting_programs_does_not_touch_locks() {
    play("fork", ["spawned"]);
}

/// Hooks of the program run while the library's own hold its books, if those were not set up first.
#[test]
fn hooks_around_a_fork_may_lock() {
    play("fork-hooks", ["change"]);
}

/// The usual way to have a mutex in order across a fork: for a lock, the child's part of it must do nothing.
#[test]
fn hooks_around_a_fork_may_hold_the_lock() {
    play("fork-hooks", ["hold"]);
}
