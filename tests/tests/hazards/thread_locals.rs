//! Destructors of a thread's own values.

use shared_value::Synchronized;
use shared_value_tests::{AT_ONCE, SegmentName};

use crate::{hazard, play};

/// If the library left the thread's locks before these destructors had run, they would work without the lock.
#[test]
fn a_thread_local_may_lock_in_its_destructor() {
    play("thread-locals", ["locks"]);
}

/// These run behind the library's own: the thread must be entered into its books once more, or refused, but never let in.
#[test]
fn a_destructor_of_the_c_library_may_lock_in_any_round() {
    play("thread-locals", ["key-locks"]);
}

/// What is leaked in the last round nobody in the process can clean up: the kernel has to.
#[test]
fn a_lock_leaked_in_any_round_is_recovered() {
    play("thread-locals", ["key-leaks"]);
}

/// A new thread uses the books of one that has left them: if that one did so too, the one would own what the other does.
#[test]
fn a_thread_that_locks_again_shares_its_books_with_nobody() {
    play("thread-locals", ["key-meets"]);
}

/// Such a guard's lock was left, and may be somebody else's, in a record that is another thread's.
#[test]
fn a_guard_that_outlives_its_threads_locks_releases_nothing() {
    play("thread-locals", ["key-holds"]);
}

/// The child's copy of the thread ends, too, with its copy of everything.
#[test]
fn a_thread_local_may_fork_in_its_destructor() {
    play("thread-locals", ["forks"]);
}

/// By then the thread is in none of the library's books, and forks all the same.
#[test]
fn a_thread_may_fork_when_it_has_left_its_locks() {
    play("thread-locals", ["key-forks"]);
}

/// At the end of `main` the first thread's thread-locals and the hooks of the C library run, and no hook for the thread.
#[test]
fn values_may_be_changed_after_main() {
    let (name, leaked_name) = (SegmentName::new("after-main"), SegmentName::new("leaked"));
    let value = Synchronized::create(&name, 0_u64).unwrap();
    let leaked = Synchronized::create(&leaked_name, 1_u64).unwrap();
    let mut hazard = hazard("exit-hooks", [&*name, &*leaked_name]);
    hazard.expect("done");
    hazard.finish();
    let guard = value.try_lock().expect("it was released");
    assert_eq!((guard.load().unwrap(), guard.recovered(), value.recoveries()), (111, false, 0));
    let guard = leaked.lock_timeout(AT_ONCE).expect("its owner is gone");
    assert_eq!((guard.load().unwrap(), guard.recovered()), (1, true));
}
