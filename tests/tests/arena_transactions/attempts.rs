//! Attempts of transactions: which of them are repeated, and what they can do when they have ended.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use shared_value::{Arena, Error, LockError, interruptible_within};

use crate::{arena, number, pair};

/// An error of the program's own, such as that of a signal, does not come from what others have changed.
#[test]
fn an_aborted_transaction_does_not_begin_again() {
    let arena = arena();
    let (one, other) = pair(&arena, 1, 2);
    let mut calls = 0;
    // Others have added its key.
    let aborted = arena.transaction::<()>(|tx| {
        calls += 1;
        tx.lock(&one)?.set(10)?;
        tx.insert("new", 1_i64)?;
        if calls == 1 {
            arena.insert("new", 2_i64)?;
        }
        Err(tx.abort(Error::Unwound))
    });
    assert!(matches!(aborted, Err(Error::Unwound)));
    assert_eq!((calls, one.get(), number(&arena, "new")), (1, 1, Some(2)));

    // It lacks a lock, and its next attempt would wait for that lock.
    calls = 0;
    thread::scope(|scope| {
        let guard = one.lock().unwrap();
        let aborted = scope.spawn(|| {
            arena.transaction::<()>(|tx| {
                calls += 1;
                tx.lock(&other)?.set(20)?;
                assert!(matches!(tx.lock(&one), Err(Error::Conflict)));
                Err(tx.abort(Error::Unwound))
            })
        });
        assert!(matches!(aborted.join().unwrap(), Err(Error::Unwound)));
        drop(guard);
    });
    assert_eq!((calls, one.get(), other.get()), (1, 1, 2));
    assert!(one.try_lock().is_ok() && other.try_lock().is_ok());

    // A closure that succeeds after all is committed.
    arena
        .transaction(|tx| {
            let _: Error = tx.abort(Error::Unwound);
            tx.lock(&one)?.set(10)
        })
        .unwrap();
    assert_eq!(one.get(), 10);
}

/// A program that takes the steps itself can repeat the one that a signal has ended, and others overlap with it.
#[test]
fn the_attempts_of_transactions_overlap_and_are_repeated() {
    let arena = arena();
    let (one, other) = pair(&arena, 1, 2);
    let (mut first, mut second) = (arena.transaction_attempts().unwrap(), arena.transaction_attempts().unwrap());
    let (of_first, of_second) = (first.begin().unwrap(), second.begin().unwrap());
    of_first.lock(&one).unwrap().set(10).unwrap();
    of_second.lock(&other).unwrap().set(20).unwrap();
    assert!(matches!(of_second.lock(&one), Err(Error::Lock(LockError::AlreadyHeld))));
    assert!(first.end(&of_first, true).unwrap());
    assert!(one.try_lock().is_ok());
    of_second.lock(&one).unwrap().set(30).unwrap();
    assert!(second.end(&of_second, true).unwrap());
    assert_eq!((one.get(), other.get()), (30, 20));

    let longest = Duration::from_millis(1);
    let is_interrupted = |error: &Error| matches!(error, Error::Lock(LockError::Interrupted));
    thread::scope(|scope| {
        let (locked, held) = mpsc::channel();
        // If the test fails, it is dropped, and the thread ends.
        let (release, released) = mpsc::channel::<()>();
        let (one, arena) = (&one, &arena);
        scope.spawn(move || {
            let guard = one.lock().unwrap();
            locked.send(()).unwrap();
            released.recv().unwrap();
            drop(guard);
        });
        held.recv().unwrap();
        let mut attempts = arena.transaction_attempts().unwrap();
        let attempt = attempts.begin().unwrap();
        attempt.lock(&other).unwrap().set(40).unwrap();
        assert!(matches!(attempt.lock(one), Err(Error::Conflict)));
        assert!(!attempts.end(&attempt, false).unwrap(), "it begins again");
        assert!(other.try_lock().is_ok(), "it holds nothing meanwhile");
        for _ in 0..2 {
            let begun = interruptible_within(longest, || attempts.begin().map(drop));
            assert!(is_interrupted(&begun.unwrap_err()), "it waits for the lock that it lacked, each time");
        }
        release.send(()).unwrap();
        let attempt = attempts.begin().unwrap();
        let tried = scope.spawn(|| one.try_lock().is_ok() || other.try_lock().is_ok()).join().unwrap();
        assert!(!tried, "it has both locks before its work begins");
        assert!(attempts.end(&attempt, false).unwrap());
    });
    assert_eq!((one.get(), other.get()), (30, 20));
}

/// The transaction and its values outlive the attempt, but change nothing any more.
#[test]
fn an_attempt_that_has_ended_changes_nothing() {
    let arena = arena();
    let (one, other) = pair(&arena, 1, 2);
    let is_unsupported = |error: &Error| matches!(error, Error::Unsupported { .. });
    let mut attempts = arena.transaction_attempts().unwrap();

    // It was committed.
    let committed = attempts.begin().unwrap();
    committed.lock(&one).unwrap().set(10).unwrap();
    assert!(committed.remove("other").unwrap());
    assert!(attempts.end(&committed, true).unwrap());
    arena.insert("other", 20_i64).unwrap();
    assert!(is_unsupported(&committed.lock(&one).unwrap_err()));
    assert!(is_unsupported(&committed.remove("other").unwrap_err()));
    assert!(is_unsupported(&committed.insert("new", 1).unwrap_err()));
    assert!(is_unsupported(&attempts.end(&committed, true).unwrap_err()));

    // Another one begins.
    let repeated = attempts.begin().unwrap();
    assert!(repeated.remove("other").unwrap());
    repeated.insert("new", 1_i64).unwrap();
    arena.insert("new", 2_i64).unwrap();
    assert!(!attempts.end(&repeated, true).unwrap());
    assert!(is_unsupported(&attempts.end(&repeated, true).unwrap_err()));

    // It belongs to another arena.
    let elsewhere = Arena::new(1 << 20).unwrap();
    let foreign = attempts.begin().unwrap();
    foreign.lock(&one).unwrap().set(30).unwrap();
    assert!(is_unsupported(&elsewhere.transaction_attempts().unwrap().end(&foreign, true).unwrap_err()));
    drop(foreign);
    assert_eq!((one.get(), other.get(), number(&arena, "other"), number(&arena, "new")), (10, 2, Some(20), Some(2)));
}
