//! Destructors of thread-locals that use locks.

use shared_value::Synchronized;
use shared_value_tests::{AT_ONCE, SegmentName};

use crate::{hazard, play};

/// If the library left the thread's locks before these destructors run, they would work without the lock.
#[test]
fn a_thread_local_may_lock_in_its_destructor() {
    play("thread-locals", ["locks"]);
}

/// These destructors run after the library's own: the thread must be registered again, or refused, but never hold a lock
/// unregistered.
#[test]
fn a_destructor_of_the_c_library_may_lock_in_any_round() {
    play("thread-locals", ["key-locks"]);
}

/// A lock that is leaked in the last round of destructors can be freed by the kernel only.
#[test]
fn a_lock_leaked_in_any_round_is_recovered() {
    play("thread-locals", ["key-leaks"]);
}

/// A new thread reuses the record of an ended one: a thread that locks again at its end must not use it too.
#[test]
fn a_thread_that_locks_again_shares_its_record_with_no_other() {
    play("thread-locals", ["key-meets"]);
}

/// The lock of such a guard was left, may have another owner now, and its record may be another thread's.
#[test]
fn a_guard_that_outlives_its_threads_locks_releases_nothing() {
    play("thread-locals", ["key-holds"]);
}

/// In the child, the copy of the thread ends too, with copies of its thread-locals.
#[test]
fn a_thread_local_may_fork_in_its_destructor() {
    play("thread-locals", ["forks"]);
}

/// A thread that is no longer registered must be able to fork.
#[test]
fn a_thread_may_fork_when_it_has_left_its_locks() {
    play("thread-locals", ["key-forks"]);
}

/// After `main` the hooks of the C library and the first thread's thread-locals run, and no hook for the thread's end.
#[test]
fn values_may_be_changed_after_main() {
    let (name, leaked_name) = (SegmentName::new("after-main"), SegmentName::new("leaked"));
    let value = Synchronized::create(&name, 0_u64).unwrap();
    let leaked = Synchronized::create(&leaked_name, 1_u64).unwrap();
    let mut hazard = hazard("exit-hooks", [&*name, &*leaked_name]);
    hazard.expect("done");
    hazard.finish();
    let guard = value.try_lock().expect("the owner has released it");
    assert_eq!((guard.load().unwrap(), guard.recovered(), value.recoveries()), (111, false, 0));
    let guard = leaked.lock_timeout(AT_ONCE).expect("its owner has ended");
    assert_eq!((guard.load().unwrap(), guard.recovered()), (1, true));
}
