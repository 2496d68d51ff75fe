//! The most locks that one thread may hold.

use crate::worker;

#[track_caller]
fn run(role: &str, arguments: &[&str]) {
    let mut worker = worker(role, arguments);
    let said = worker.hear();
    println!("{said}");
    assert!(said == "done" || said.starts_with("skipped"), "{said}");
    worker.finish();
}

/// The kernel frees 2,048 locks of a dying thread: further ones would stay locked forever.
#[test]
fn one_lock_too_many_is_refused() {
    run("too-many", &[]);
}

/// If removing an entry from the middle broke the robust list, the locks behind it would be lost.
#[test]
fn a_thousand_locks_are_released_in_random_order() {
    run("release-at-random", &["11"]);
}

/// If every release walked the whole list, dropping a vector of guards would take seconds.
#[test]
fn a_thousand_locks_are_released_in_order_at_once() {
    let mut worker = worker("release-in-order", ["1000"]);
    let said = worker.hear();
    worker.finish();
    println!("{said} ms");
    assert!(said.starts_with("skipped") || said.parse::<u64>().unwrap() < 1_000, "it took {said} ms");
}
