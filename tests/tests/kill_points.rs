//! Processes that are killed at every instruction of an operation.
//!
//! By default they are killed where shared words change, and at system calls. With `SHARED_VALUE_KILL_POINTS=all` they are
//! killed at every instruction, or at 6,000 random ones of an operation that has more; a number is another limit; `every`
//! is not a limit. With `changes:` and a number, they are killed at about so many changes and calls.
//! `SHARED_VALUE_SEED` makes another choice.
//!
//! Beside a dead transaction on an arena, the survivor commits 20 others; `SHARED_VALUE_BESIDE_DEAD` is another number. That
//! they commit nothing of the dead one can be seen for about a microsecond only: 20,000 find such a fault.

use std::io::{self, Write};
use std::process::Command;
use std::sync::Once;
use std::{env, fmt};

use shared_value_tests::stepper::Report;

/// If a lane were taken from a living owner, or its sum not kept, a death would leave a total that never was.
#[test]
fn a_counter_lacks_at_most_the_last_addition() {
    survives(["count-first", "count", "count-take-over", "count-shared", "count-reset", "count-drop"]);
}

/// If a value were written in place, or committed before it is complete, a death would leave it half-written.
#[test]
fn a_change_is_whole_or_not_there() {
    survives(["set-8", "set-64", "set-4096", "set-element-8", "set-element-64", "set-element-4096"]);
    survives(["store-8", "store-64", "store-4096"]);
}

/// If each field were committed by itself, a death would leave some of them changed.
#[test]
fn several_fields_change_together() {
    survives(["update-8", "update-64", "update-4096", "guard-8", "guard-64", "guard-4096"]);
}

/// If an inner guard committed or released, a death before the end of the outer guard would leave a part of the change.
#[test]
fn recursive_guards_are_one_change() {
    survives(["recursive-8", "recursive-64", "recursive-4096"]);
}

/// If the draft after a commit did not start anew, later writes would show with that commit, or undo it.
#[test]
fn a_commit_stands_and_later_writes_do_not() {
    survives(["commit-8", "commit-64", "commit-4096"]);
}

/// If a rollback left its draft, the next owner would commit it.
#[test]
fn a_rollback_never_shows() {
    survives(["rollback-8", "rollback-64", "rollback-4096", "panic-in-update", "panic-with-guard"]);
}

/// If a new owner cleared the mark of the dead one before the rollback, its own death then would lose the mark.
#[test]
fn a_recovery_can_be_recovered_from() {
    survives(["take-over-8", "take-over-64", "take-over-4096", "wait-for-dying", "woken-by-dying"]);
}

/// If the first lock of a thread were taken before the thread is known to the kernel, a death there would leave it locked.
#[test]
fn a_first_lock_and_a_refused_one_leave_nothing() {
    survives(["first-lock", "refused"]);
}

/// If the mark of a block were missing before its elements are up to date, they would show their values of two commits ago.
#[test]
fn all_elements_change_together() {
    survives(["array-set", "array-write", "array-few", "array-places", "array-fill", "array-commit", "array-rollback"]);
}

/// If the number of elements were committed without the elements, or they without it, a death would leave one without the other.
#[test]
fn a_length_changes_with_its_elements() {
    survives(["vec-push", "vec-extend", "vec-grow", "vec-truncate", "vec-guard", "string-set"]);
    survives(["vec-dyn-extend", "vec-dyn-set"]);
}

/// If a write of a whole value changed bytes that are fields of a newer version, the watcher of that version would lose them.
#[test]
fn fields_of_other_versions_stay() {
    survives(["version-set-64", "version-update-64", "version-guard-64", "version-take-over-64", "version-dynamic-64"]);
    survives(["version-set-4096", "version-update-4096", "version-guard-4096", "version-take-over-4096"]);
    survives(["version-dynamic-4096"]);
}

/// Values under one lock are committed one after the other. The next owner that touches a value must drop the draft that a
/// dead owner has left in it.
#[test]
fn values_with_one_lock_are_whole() {
    survives(["object", "object-take-over", "object-update", "object-commit"]);
}

/// The C library takes and frees the mutex, and this library commits: a death between the two must leave a whole value.
#[test]
fn a_value_with_a_pthread_mutex_is_whole() {
    survives(["pthread", "pthread-take-over", "pthread-guard"]);
}

/// If a waiter is killed after it was woken, its wake-up is lost: other sleepers must not depend on it.
#[test]
fn waiters_do_not_wait_for_the_dead() {
    survives(["wait", "woken", "give-up", "unlock-with-waiter"]);
}

/// A writer that dies between its commit and the wake-up wakes no thread that waits for the change.
#[test]
fn waiters_for_a_change_see_it() {
    survives(["set-watched", "commit-watched", "watch"]);
    survives(["set-watched-by-task", "commit-watched-by-task"]);
}

/// A writer that dies between its change of an arena and the wake-up wakes no thread that waits for changes there.
#[test]
fn a_watcher_of_an_arena_learns_of_each_key() {
    survives(["arena-set", "arena-set-watched"]);
    // How many instructions these take depends on how fast the watcher looks again and gives the values back.
    let asked = env::var("SHARED_VALUE_KILL_POINTS").ok().filter(|points| points.starts_with("changes"));
    survives_at(
        ["arena-create-watched", "arena-remove-watched", "arena-replace-watched"],
        asked.as_deref().unwrap_or("changes"),
    );
}

/// If a lock were released while it is in the robust list, or left the list in another order, the kernel would not find the
/// locks behind it.
#[test]
fn several_locks_are_all_released() {
    survives(["nested", "nested-crosswise", "nested-meddled", "nested-crosswise-meddled", "other-thread-holds"]);
    survives(["update-nesting", "update-leaking"]);
}

/// If the library linked entries in another way than the C library, the kernel would not find locks behind mutexes.
#[test]
fn mutexes_of_the_c_library_are_released_too() {
    survives(["mutex-between", "mutex-between-crosswise", "mutex-released-first", "mutexes-between"]);
}

/// If a segment had its name before it is complete, a death would leave a segment that cannot be opened.
#[test]
fn a_name_is_free_or_names_a_whole_segment() {
    survives(["create", "create-file", "create-taken", "open-or-create-absent", "open-or-create-present", "unlink"]);
}

/// If the name were removed before it leads to the new value, or the old value could be changed after it has lost its name, a
/// death would leave no value, or lose a change.
#[test]
fn a_name_leads_to_the_old_value_or_to_its_replacement() {
    survives(["replace", "replace-file", "replace-by-hand", "replace-unused"]);
}

/// If a process became a user of an abandoned segment before it frees the lock, its death would leave the lock locked.
#[test]
fn opening_and_closing_leave_nothing() {
    survives(["open", "open-used", "open-abandoned", "open-abandoned-file", "close"]);
}

/// If an arena listed a value before it is complete, or gave out space twice, a death would leave a broken value; if it
/// changed its directory in several steps, a death would leave it between two of them.
#[test]
fn an_arena_has_a_whole_value_or_none() {
    survives(["arena-create-first", "arena-create", "arena-create-grown", "arena-open-or-create", "arena-value"]);
    survives(["arena-remove", "arena-open-unused", "arena-reuse"]);
    survives(["arena-split", "arena-merge", "arena-merge-unused"]);
}

/// If a child ended the pin of values that it has, or left more of it after its death, a value would lose its space, or keep it.
#[test]
fn a_forked_child_claims_what_it_has() {
    survives(["arena-fork"]);
}

/// Without a word that decides for both values, a death would leave a key with two of them, or with none.
#[test]
fn a_key_leads_to_the_old_value_or_to_the_new() {
    survives(["arena-replace", "arena-replace-none", "arena-replace-grown", "arena-replace-unused", "arena-remove-id"]);
}

/// If added and removed values were not decided on with those that changed, a death would leave one without the other.
#[test]
fn a_transaction_adds_and_removes_all_or_nothing() {
    survives(["transaction-edit-first", "transaction-edit", "transaction-edit-unused", "transaction-edit-after"]);
    survives(["transaction-edit-only", "transaction-edit-one", "transaction-edit-fails"]);
}

/// If a transaction committed each value by itself, a death would leave some of them changed.
#[test]
fn a_transaction_is_whole_or_not_there() {
    survives(["transaction-first", "transaction", "transaction-take-over", "transaction-rollback"]);
    survives(["transaction-found", "transaction-found-one"]);
}

/// If a live value were locked before the kernel knows of it, a death would leave it locked; if it were made in several steps, a
/// death would leave a part of it.
#[test]
fn a_live_value_is_never_stuck_and_its_next_owner_is_told() {
    survives([
        "live-set",
        "live-set-once",
        "live-set-in-arena",
        "live-take-over",
        "live-update",
        "live-guard",
        "live-keep",
    ]);
    survives(["live-create", "live-alloc", "live-remove"]);
}

/// Kills victims in each of the operations at the points that the user asks for, and fails if a death did harm.
#[track_caller]
fn survives<const N: usize>(operations: [&str; N]) {
    let asked = env::var("SHARED_VALUE_KILL_POINTS").ok();
    survives_at(
        operations,
        match asked.as_deref() {
            None => "changes",
            Some("all") => "6000",
            Some(points) => points,
        },
    );
}

/// Kills victims in each of the operations at these points, and fails if a death did harm.
#[track_caller]
fn survives_at<const N: usize>(operations: [&str; N], points: &str) {
    static HEADER: Once = Once::new();
    let asked = env::var_os("SHARED_VALUE_KILL_POINTS");
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

/// Prints rows of the table: to the terminal, if the user has set `SHARED_VALUE_KILL_POINTS`.
fn say(aloud: bool, rows: impl fmt::Display) {
    if aloud {
        // The test harness shows the output of `println` for failed tests only.
        let _ = writeln!(io::stdout(), "{rows}");
    } else {
        println!("{rows}");
    }
}
