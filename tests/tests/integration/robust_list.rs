//! Locks of values among robust mutexes of the C library.

use shared_value_tests::scaled;

use crate::worker;

#[track_caller]
fn run(role: &str, arguments: &[String]) {
    let mut worker = worker(role, arguments);
    worker.expect("done");
    worker.finish();
}

/// Both kinds are in one list of the thread: if one broke the order that the other expects, locks of a dead thread would
/// stay locked.
#[test]
fn locks_mix_with_robust_mutexes_in_every_order() {
    run("mix-orders", &[]);
}

/// In longer histories, entries in the middle of the list come and go.
#[test]
fn locks_mix_with_robust_mutexes_at_random() {
    run("mix-random", &["1".to_owned(), scaled(2_000, 400).to_string()]);
}
