//! What is never given back, and what must be.

use crate::play;

/// A forgotten guard holds the lock to the end of its thread, whatever happens above and below it, and no longer.
#[test]
fn forgotten_guards_of_guards_end_with_their_thread() {
    play("leaks", ["forgotten"]);
}

/// The memory must outlive every lock that is held in it, and no more than that, in whatever order handles go.
#[test]
fn handles_may_go_in_every_order() {
    play("leaks", ["orders"]);
}

/// What a thread needs is used again by the next one: a program may start millions of them.
#[test]
fn threads_that_lock_and_end_leave_nothing() {
    play("leaks", ["threads"]);
}

/// Descriptors and mappings are few: a program may make values all day.
#[test]
fn values_that_are_dropped_leave_nothing() {
    play("leaks", ["values"]);
}

/// A mapping that was kept for a leaked guard must go when the lock has gone and the value is dropped once more.
#[test]
fn what_was_kept_for_a_leaked_guard_goes_with_the_next_handle() {
    play("leaks", ["reopened"]);
}
