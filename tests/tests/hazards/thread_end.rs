//! Threads that end with locks held while their process lives.

use crate::play;

/// The thread's books are used again, and its memory may be: what it held must be left before that, all of it.
#[test]
fn a_thread_that_returns_leaves_all_its_locks() {
    play("thread-end", ["returns"]);
}

/// No destructor of a forgotten guard runs, only that of the thread.
#[test]
fn a_cancelled_thread_leaves_its_lock() {
    play("thread-end", ["cancelled"]);
}

/// Waiting is no point at which a thread may be cancelled: it would end in the middle of taking the lock.
#[test]
fn a_thread_that_is_cancelled_while_it_waits_gets_the_lock_first() {
    play("thread-end", ["cancelled-waiting"]);
}

/// Ending from within: the same as being cancelled.
#[test]
fn a_thread_that_exits_leaves_its_lock() {
    play("thread-end", ["exits"]);
}

/// Where even the thread's destructors are skipped, the kernel does it.
#[test]
fn a_thread_that_vanishes_leaves_its_lock() {
    play("thread-end", ["vanishes"]);
}

/// The same in the middle of an `update`, whose mark must not bar the next owner.
#[test]
fn a_thread_that_vanishes_in_an_update_leaves_its_lock() {
    play("thread-end", ["vanishes-in-update"]);
}

/// The id of the first thread is that of the process, which goes on.
#[test]
fn a_process_that_loses_its_first_thread_goes_on() {
    play("thread-end", ["first"]);
}
