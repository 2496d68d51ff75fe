//! Threads that end with locks held while their process lives.

use crate::play;

/// A thread's record is reused after its end, and its memory may be: it must have left all its locks before.
#[test]
fn a_thread_that_returns_leaves_all_its_locks() {
    play("thread-end", ["returns"]);
}

/// A cancelled thread runs the destructors of its thread-locals, but not those of its guards.
#[test]
fn a_cancelled_thread_leaves_its_lock() {
    play("thread-end", ["cancelled"]);
}

/// A wait must not be a cancellation point: the thread would end in the middle of taking the lock.
#[test]
fn a_thread_that_is_cancelled_while_it_waits_gets_the_lock_first() {
    play("thread-end", ["cancelled-waiting"]);
}

/// `pthread_exit` skips the destructors of guards, as a cancellation does.
#[test]
fn a_thread_that_exits_leaves_its_lock() {
    play("thread-end", ["exits"]);
}

/// If a thread ends without any destructor, the kernel must free its locks.
#[test]
fn a_thread_that_vanishes_leaves_its_lock() {
    play("thread-end", ["vanishes"]);
}

/// A thread that ends inside of an `update` leaves the borrow mark, which must not bar the next owner.
#[test]
fn a_thread_that_vanishes_in_an_update_leaves_its_lock() {
    play("thread-end", ["vanishes-in-update"]);
}

/// The first thread's id is that of the process, which goes on after the thread's end.
#[test]
fn a_process_that_loses_its_first_thread_goes_on() {
    play("thread-end", ["first"]);
}
