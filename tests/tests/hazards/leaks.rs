//! Resources that are leaked, and resources that must be freed.

use crate::play;

/// A forgotten guard must hold the lock until its thread ends, whatever other guards do, and no longer.
#[test]
fn forgotten_guards_of_guards_end_with_their_thread() {
    play("leaks", ["forgotten"]);
}

/// Memory must stay mapped as long as a lock in it is held, and no longer, in every order in which handles are dropped.
#[test]
fn handles_may_be_dropped_in_every_order() {
    play("leaks", ["orders"]);
}

/// A thread must reuse the record of an ended one: a program may start millions of threads.
#[test]
fn threads_that_lock_and_end_leave_nothing() {
    play("leaks", ["threads"]);
}

/// A dropped value must free its descriptor and its mapping: a program may create values all day.
#[test]
fn values_that_are_dropped_leave_nothing() {
    play("leaks", ["values"]);
}

/// A mapping that was kept for a leaked guard must be unmapped with the next handle that is dropped after its release.
#[test]
fn the_mapping_of_a_leaked_guard_goes_with_the_next_handle() {
    play("leaks", ["reopened"]);
}
