//! Processes with one thread id, in PID namespaces of their own.

use shared_value_tests::SegmentName;
use shared_value_tests::values::{Account, SynchronizedAccount};

use crate::play;

/// Plays a case with an account that no other process has open.
#[track_caller]
fn namespaces(case: &str) {
    let name = SegmentName::new(case);
    drop(SynchronizedAccount::create(&name, Account::after(1)).unwrap());
    play("namespaces", [case, &*name]);
}

/// If the thread id alone identified an owner, both processes would hold the lock.
#[test]
fn both_change_and_nothing_is_lost() {
    namespaces("exclusion");
}

/// A process that asks for its twin's lock must not count as the owner that takes the lock again.
#[test]
fn one_does_not_hold_what_the_other_holds() {
    namespaces("recursion");
}

/// The kernel compares the lock word with the id in the dead thread's namespace: the word must hold that id.
#[test]
fn one_takes_over_from_the_other() {
    namespaces("killed-owner");
}

/// If a sleeper had announced the lock to the kernel, its death would release its twin's lock.
#[test]
fn a_killed_sleeper_releases_nothing_of_the_other() {
    namespaces("killed-sleeper");
}

/// After a death at any instruction the other process must go on, and must get an error if it lost the lock.
#[test]
fn one_that_is_killed_anywhere_leaves_the_other_going() {
    namespaces("killed-anywhere");
}

/// The first process of a namespace may fork the first process of another.
#[test]
fn a_child_of_the_same_id_owns_nothing() {
    namespaces("nested");
}
