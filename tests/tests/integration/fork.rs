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

/// If a child shared its parent's identity, both would hold the lock at once.
#[test]
fn an_inherited_handle_works_in_the_child() {
    fork("inherited");
}

/// If the child's copy of a guard counted, it would release, commit or roll back what is the parent's.
#[test]
fn a_lock_held_across_a_fork_stays_the_parents() {
    fork("held");
}

/// What another thread of the parent holds, the child does not hold, and it has no such thread.
#[test]
fn a_lock_that_another_thread_holds_stays_its_own() {
    fork("held-by-another");
}

/// A child that leaves the closure of an `update` must not write what its parent is about to write.
#[test]
fn an_update_across_a_fork_is_committed_once() {
    fork("in-update");
}

/// A mutex that another thread holds at the moment of the fork stays locked for ever in the child.
#[test]
fn a_fork_of_a_busy_process_does_not_hang() {
    fork("busy");
}

/// Everything that is renewed in a child must be renewed in its children, too.
#[test]
fn a_child_may_fork_again() {
    fork("generations");
}
