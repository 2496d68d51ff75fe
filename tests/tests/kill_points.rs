//! Processes that are killed at every instruction of what they do.
//!
//! By default they are killed where shared words change and at system calls. `SHARED_VALUE_KILL_POINTS=all` takes every
//! instruction, but 6,000 at random of operations that have more; `every` spares none; a number is another limit.
//! `SHARED_VALUE_SEED` makes another choice.

use std::io::{self, Write};
use std::process::Command;
use std::sync::Once;
use std::{env, fmt};

use shared_value_tests::stepper::Report;

/// A value that is committed in place, or before it is complete, is seen half-written after a death.
#[test]
fn a_change_is_whole_or_not_there() {
    survives(["set-8", "set-64", "set-4096", "set-element-8", "set-element-64", "set-element-4096"]);
    survives(["store-8", "store-64", "store-4096"]);
}

/// Without one commit for all fields, a death between two of them leaves the one and not the other.
#[test]
fn several_fields_change_together() {
    survives(["update-8", "update-64", "update-4096", "guard-8", "guard-64", "guard-4096"]);
}

/// If an inner guard committed or released, a death before the outer one ends would leave a part.
#[test]
fn recursive_guards_are_one_change() {
    survives(["recursive-8", "recursive-64", "recursive-4096"]);
}

/// Without a draft that starts anew after a commit, what follows a commit would be seen with it or undo it.
#[test]
fn a_commit_stands_and_what_follows_does_not() {
    survives(["commit-8", "commit-64", "commit-4096"]);
}

/// If a rollback left its draft, the next owner would commit what was to be forgotten.
#[test]
fn what_was_rolled_back_never_shows() {
    survives(["rollback-8", "rollback-64", "rollback-4096", "panic-in-update", "panic-with-guard"]);
}

/// If whoever takes a lock over clears the mark of the dead before it has rolled back, its own death loses the mark.
#[test]
fn a_recovery_can_be_recovered_from() {
    survives(["take-over-8", "take-over-64", "take-over-4096", "wait-for-dying", "woken-by-dying"]);
}

/// Without an announcement before it, a lock that was just taken for the first time is stuck.
#[test]
fn a_first_lock_and_one_refused_leave_nothing() {
    survives(["first-lock", "refused"]);
}

/// An element whose block is not marked, or no longer marked, before it was brought up to date shows its value of two
/// commits ago.
#[test]
fn all_elements_change_together() {
    survives(["array-set", "array-write", "array-few", "array-places", "array-fill", "array-commit", "array-rollback"]);
}

/// Values under one lock are committed one after the other; what a dead owner has left in one of them is dropped when
/// that one is touched, by whoever holds the lock then.
#[test]
fn values_with_one_lock_are_whole() {
    survives(["object", "object-take-over", "object-update", "object-commit"]);
}

/// The C library does the locking, and this library the committing.
#[test]
fn a_value_with_a_pthread_mutex_is_whole() {
    survives(["pthread", "pthread-take-over", "pthread-guard"]);
}

/// A waiter that is killed after it was woken takes the wake-up with it; sleepers that rely on it sleep for ever.
#[test]
fn those_who_wait_do_not_wait_for_the_dead() {
    survives(["wait", "woken", "give-up", "unlock-with-waiter"]);
}

/// One who dies between its commit and the wake-up leaves those asleep who wait for the change.
#[test]
fn those_who_wait_for_a_change_are_told() {
    survives(["set-watched", "commit-watched", "watch"]);
}

/// A lock that is released before it is out of the robust list, or out of order, cuts those off that lie behind it.
#[test]
fn several_locks_are_all_released() {
    survives(["nested", "nested-crosswise", "nested-meddled", "nested-crosswise-meddled", "other-thread-holds"]);
    survives(["update-nesting", "update-leaking"]);
}

/// Linked otherwise than the C library does it, a lock or a mutex between locks would not be released.
#[test]
fn mutexes_of_the_c_library_are_released_too() {
    survives(["mutex-between", "mutex-between-crosswise", "mutex-released-first", "mutexes-between"]);
}

/// A segment that has its name before it is filled, or when its owner counts as dead, cannot be opened, or hangs.
#[test]
fn a_name_is_free_or_that_of_a_whole_segment() {
    survives(["create", "create-file", "create-taken", "open-or-create-absent", "open-or-create-present", "unlink"]);
}

/// If who opens an abandoned segment counted as its user before it has freed the lock, its death would leave that stuck.
#[test]
fn opening_and_closing_leave_nothing() {
    survives(["open", "open-used", "open-abandoned", "open-abandoned-file", "close"]);
}

/// A value that is found before it is complete, or space that is given out twice, is seen broken after a death; a directory
/// that is changed in several steps is stuck between them.
#[test]
fn an_arena_has_a_value_or_has_it_not() {
    survives(["arena-create-first", "arena-create", "arena-create-grown", "arena-open-or-create", "arena-value"]);
    survives(["arena-remove", "arena-open-unused", "arena-reuse"]);
}

/// With a commit for each value, a death between two of them leaves the one changed and the other not.
#[test]
fn a_transaction_is_whole_or_not_there() {
    survives(["transaction-first", "transaction", "transaction-take-over", "transaction-rollback"]);
}

/// Kills victims in each of the operations, and fails if a death did harm.
#[track_caller]
fn survives<const N: usize>(operations: [&str; N]) {
    static HEADER: Once = Once::new();
    let asked = env::var("SHARED_VALUE_KILL_POINTS").ok();
    let points = match asked.as_deref() {
        None => "changes",
        Some("all") => "6000",
        Some(points) => points,
    };
    let seed = env::var("SHARED_VALUE_SEED").unwrap_or_else(|_| "1".to_owned());
    let victim = Command::new(env!("CARGO_BIN_EXE_victim"))
        .arg("sweep")
        .args(operations)
        .args(["--points", points, "--seed", &seed])
        .output()
        .expect("the victim program starts");
    HEADER.call_once(|| say(asked.is_some(), Report::HEADER));
    say(asked.is_some(), String::from_utf8_lossy(&victim.stdout).trim_end());
    assert!(victim.status.success(), "{}\n{}", victim.status, String::from_utf8_lossy(&victim.stderr));
}

/// Prints rows of the table, where whoever asked for it sees it.
fn say(aloud: bool, rows: impl fmt::Display) {
    if aloud {
        // Not `println`, which the test harness keeps for tests that fail.
        let _ = writeln!(io::stdout(), "{rows}");
    } else {
        println!("{rows}");
    }
}
