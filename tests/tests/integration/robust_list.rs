//! Locks under test among robust mutexes of the C library.

use shared_value_tests::scaled;

use crate::worker;

#[track_caller]
fn run(role: &str, arguments: &[String]) {
    let mut worker = worker(role, arguments);
    worker.expect("done");
    worker.finish();
}

/// Both kinds share one list: each must keep it as the other expects, or a dying thread leaves locks behind.
#[test]
fn they_mix_with_robust_mutexes_in_every_order() {
    run("mix-orders", &[]);
}

/// The same for longer histories, in which entries between others come and go.
#[test]
fn they_mix_with_robust_mutexes_at_random() {
    run("mix-random", &["1".to_owned(), scaled(2_000, 400).to_string()]);
}
