//! Processes of the same thread id, in PID namespaces of their own.

use std::env;

use shared_value_tests::SegmentName;
use shared_value_tests::values::{Account, SynchronizedAccount};

use crate::play;

/// If set, the tests fail where namespaces are not permitted, and are not skipped.
const REQUIRED: &str = "SHARED_VALUE_REQUIRE_NAMESPACES";

/// Plays a case with an account that nobody else has open.
#[track_caller]
fn namespaces(case: &str) {
    let name = SegmentName::new(case);
    drop(SynchronizedAccount::create(&name, Account::after(1)).unwrap());
    let report = play("namespaces", [case, &*name]);
    let skipped = report.iter().any(|line| line.starts_with("skipped"));
    assert!(!skipped || env::var_os(REQUIRED).is_none(), "{report:?}, but {REQUIRED} is set");
}

/// A lock that knew its owner by the id alone would let both in.
#[test]
fn both_change_and_nothing_is_lost() {
    namespaces("exclusion");
}

/// One that asks for a lock that its twin holds must not be taken for the owner that asks once more.
#[test]
fn one_does_not_hold_what_the_other_holds() {
    namespaces("recursion");
}

/// The kernel compares ids of one namespace: the dead one's must be the one in the word.
#[test]
fn one_takes_over_from_the_other() {
    namespaces("killed-owner");
}

/// A sleeper that was announced to the kernel would release its twin's lock when it is killed.
#[test]
fn a_killed_sleeper_releases_nothing_of_the_other() {
    namespaces("killed-sleeper");
}

/// Whatever a killed one leaves, the other one must get on, and must be told if its lock was taken away.
#[test]
fn one_that_is_killed_anywhere_leaves_the_other_going() {
    namespaces("killed-anywhere");
}

/// The first process of a namespace may fork the first one of another.
#[test]
fn a_child_of_the_same_id_owns_nothing() {
    namespaces("nested");
}
