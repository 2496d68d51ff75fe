//! Owners that are gone although the kernel did not mark their locks.

use crate::play;

#[track_caller]
fn gone(case: &str) {
    play("gone", [case]);
}

/// Without the backstop, the lock would be stuck: the kernel found nothing in the owner's list.
#[test]
fn a_killed_owner_is_succeeded() {
    gone("killed");
}

/// Programs that end others when memory is short reap them in this way, and so does the kernel after two seconds.
#[test]
fn an_owner_whose_memory_was_reaped_is_succeeded() {
    gone("reaped");
}

/// If a descriptor kept the owner's mark alive, the child would keep it, too.
#[test]
fn an_owner_is_not_kept_alive_by_its_child() {
    gone("child-lives");
}

/// The process lives on, but not the program that took the lock.
#[test]
fn an_owner_that_became_another_program_is_succeeded() {
    gone("exec");
}

/// A thread id alone would name the waiter itself.
#[test]
fn an_owner_of_another_namespace_is_succeeded() {
    gone("namespace");
}

/// A lock object lies in a segment of its own, which must be asked.
#[test]
fn an_owner_of_several_values_is_succeeded() {
    gone("object");
}

/// The process of the owner exists, so its threads must be asked for.
#[test]
fn a_thread_that_vanished_is_succeeded() {
    gone("thread");
}

/// If each wait began to count anew, no waiter would ever ask whether the owner exists.
#[test]
fn short_waits_add_up() {
    gone("short-waits");
}

/// An owner that takes its time must not lose its lock.
#[test]
fn a_stopped_owner_keeps_its_lock() {
    gone("stopped");
}

/// If the owner's mark were kept alive by a descriptor, a living owner would lose its lock.
#[test]
fn an_owner_without_descriptors_keeps_its_lock() {
    gone("closed");
}

/// A POSIX lock would end here: it goes with any descriptor of the file.
#[test]
fn an_owner_that_closes_the_file_keeps_its_lock() {
    gone("opened-again");
}

/// The waiter cannot ask for a thread in another namespace, but for the process.
#[test]
fn an_owner_that_lives_in_another_namespace_keeps_its_lock() {
    gone("lives-elsewhere");
}

/// An owner that cannot show that it exists must not be taken for gone. Opening the unused segment clears the mark.
#[test]
fn an_owner_that_nothing_vouches_for_keeps_its_lock() {
    gone("unvouched");
}
