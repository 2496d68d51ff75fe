//! Forked processes.

use shared_value_tests::SegmentName;

use crate::worker;

#[track_caller]
fn fork(case: &str) {
    let name = SegmentName::new(case);
    let mut worker = worker("fork", [case, &*name]);
    worker.expect("done");
    worker.finish();
}

/// If a child had its parent's identity, both would hold the lock at once.
#[test]
fn an_inherited_handle_works_in_the_child() {
    fork("inherited");
}

/// If the child's copy of a guard held the lock, it would release, commit or roll back the parent's.
#[test]
fn a_lock_held_across_a_fork_stays_the_parents() {
    fork("held");
}

/// A child must not hold the locks of the parent's other threads, which it does not have.
#[test]
fn a_lock_that_another_thread_of_the_parent_holds_stays_held() {
    fork("held-by-another");
}

/// A child that is forked in the closure of an `update` must not write the result, because its parent does.
#[test]
fn an_update_across_a_fork_is_committed_once() {
    fork("in-update");
}

/// A mutex of the library that another thread holds at the fork would stay locked forever in the child.
#[test]
fn a_fork_of_a_busy_process_does_not_hang() {
    fork("busy");
}

/// State that is renewed in a child must be renewed in its own children too.
#[test]
fn a_child_may_fork_again() {
    fork("generations");
}
