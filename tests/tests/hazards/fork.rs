//! Forks while locks are held.

use crate::play;

/// If a child kept its parent's record of locks, it would commit or release them; if the parent lost its list by the fork,
/// its locks would stay locked after its death.
#[test]
fn a_child_owns_no_lock_of_its_parent() {
    play("fork", ["many-held"]);
}

/// If a child counted as the owner after its parent's death, the lock would stay locked; if its copy of the guard held the
/// lock, its drop would release the successor's.
#[test]
fn a_parent_that_dies_is_rolled_back_although_a_child_lives() {
    play("fork", ["parent-killed"]);
}

/// A copy of a guard may be dropped while another thread holds the lock, which must keep it.
#[test]
fn copies_of_a_guard_release_nothing_in_any_generation() {
    play("fork", ["copies"]);
}

/// The drop of a copy of the parent's guard must not end the child's own hold.
#[test]
fn a_copy_of_a_guard_does_nothing_to_the_childs_own_hold() {
    play("fork", ["retaken"]);
}

/// A child that leaves the closure of an `update` must not commit, roll back or release its parent's change.
#[test]
fn a_child_may_leave_an_update_in_every_way() {
    play("fork", ["in-update"]);
}

/// The owner may be another thread of the parent, which the child does not have: the child waits like any other process.
#[test]
fn a_child_takes_over_from_a_thread_of_its_parent() {
    play("fork", ["another-ends"]);
}

/// The parent's locks must not keep memory mapped in the child, and the child must not free them with its handles.
#[test]
fn a_child_may_drop_all_handles_and_open_the_value_again() {
    play("fork", ["handles-dropped"]);
}

/// A process that starts a program is forked for a moment.
#[test]
fn starting_programs_does_not_touch_locks() {
    play("fork", ["spawned"]);
}

/// Hooks of the program may run while the library's own hook holds its registry.
#[test]
fn hooks_around_a_fork_may_lock() {
    play("fork-hooks", ["change"]);
}

/// Programs lock a mutex before a fork and release it on both sides: for a shared lock, the child's release must do nothing.
#[test]
fn hooks_around_a_fork_may_hold_the_lock() {
    play("fork-hooks", ["hold"]);
}

/// The library's hook before a fork locks the list of waiting tasks. It must run after the program's hooks, also if the program has
/// registered those before its first wait.
#[test]
fn hooks_that_wait_in_tasks_work() {
    play("fork-hooks", ["wait"]);
}
