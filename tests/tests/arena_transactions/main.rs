//! Snapshots, and transactions, which change several values of an arena, and add, replace and remove values.

mod attempts;
mod deaths;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use shared_value::{Arena, Error, LockError, Synchronized, Transaction};
use shared_value_tests::{end_now, eventually, fork, in_time, scaled};

fn arena() -> Arena {
    Arena::new(1 << 26).unwrap()
}

fn pair(arena: &Arena, one: i64, other: i64) -> (Synchronized<i64>, Synchronized<i64>) {
    (arena.insert("one", one).unwrap(), arena.insert("other", other).unwrap())
}

/// The number under a key.
fn number(arena: &Arena, key: &str) -> Option<i64> {
    arena.get::<i64>(key).unwrap().map(|value| value.get())
}

#[test]
fn a_transaction_that_fails_changes_nothing() {
    let arena = arena();
    let (one, other) = pair(&arena, 1, 2);
    let failed = arena.transaction(|tx| {
        tx.lock(&one)?.set(10)?;
        one.update(|value| *value += 1)?;
        tx.lock(&other)?.set(20)?;
        assert_eq!((one.get(), other.get()), (11, 20), "the thread sees its own writes");
        Err::<(), _>(Error::Unwound)
    });
    assert!(matches!(failed, Err(Error::Unwound)));
    assert_eq!((one.get(), other.get(), one.version(), other.version()), (1, 2, 0, 0));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        arena.transaction::<()>(|tx| {
            tx.lock(&one)?.set(10)?;
            tx.lock(&other)?.set(20)?;
            resume_unwind(Box::new("in the middle"));
        })
    }));
    assert!(panicked.is_err());
    assert_eq!((one.get(), other.get()), (1, 2));
    // A panic that is caught inside leaves half of a change, which must not be committed.
    let unwound = arena.transaction(|tx| {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let guard = tx.lock(&one).unwrap();
            guard.set(10).unwrap();
            resume_unwind(Box::new("in the middle"));
        }));
        assert!(caught.is_err());
        tx.insert("added", 1_i64)
    });
    assert!(matches!(unwound, Err(Error::Unwound)));
    assert_eq!((one.get(), one.version(), arena.len()), (1, 0, 2));
    assert!(one.try_lock().is_ok() && other.try_lock().is_ok());
    one.set(5).unwrap();
    assert_eq!(one.get(), 5);
}

/// Adds, replaces and removes values in a transaction, which ends with the result of `end`.
fn change_all<R>(arena: &Arena, end: impl Fn() -> Result<R, Error>) -> Result<R, Error> {
    arena.transaction(|tx| {
        let one = tx.get::<i64>("one")?.expect("it is there");
        tx.lock(&one)?.set(10)?;
        assert!(tx.remove("other")? && !tx.remove("other")? && tx.get::<i64>("other")?.is_none());
        tx.insert("new", 3_i64)?;
        assert!(matches!(tx.insert("new", 4_i64), Err(Error::AlreadyExists { .. })));
        let replaced = tx.replace("kept", 5_i64)?;
        tx.lock(&replaced)?.update(|value| *value += 1)?;
        let id = tx.alloc([1_i64; 9])?;
        assert_eq!(tx.get(id)?.map(|value| value.get()), Some([1; 9]));
        tx.insert("dropped", 7_i64)?;
        assert!(tx.remove("dropped")?);
        assert_eq!(tx.get_or_insert_with("new", || 8_i64)?.get(), 3);
        assert_eq!(tx.get_or_insert_with("newer", || 8_i64)?.get(), 8);
        assert_eq!(tx.get::<i64>("kept")?.expect("it was replaced").get(), 6);
        // The changes are not visible outside of the transaction.
        assert_eq!((number(arena, "new"), number(arena, "kept"), number(arena, "other")), (None, Some(2), Some(1)));
        assert_eq!((arena.len(), arena.iter().count(), arena.contains(id)), (3, 3, false));
        end()
    })
}

fn three(arena: &Arena) {
    for (key, value) in [("one", 1_i64), ("other", 1), ("kept", 2)] {
        arena.insert(key, value).unwrap();
    }
}

fn state(arena: &Arena) -> ([Option<i64>; 6], usize, usize) {
    let keys = ["one", "other", "kept", "new", "newer", "dropped"];
    (keys.map(|key| number(arena, key)), arena.len(), arena.iter().count())
}

/// Without one decision for all changes, a failed transaction would leave some values added or removed.
#[test]
fn adding_and_removing_is_part_of_a_transaction() {
    let arena = arena();
    three(&arena);
    let before = ([Some(1), Some(1), Some(2), None, None, None], 3, 3);
    assert!(matches!(change_all::<()>(&arena, || Err(Error::Unwound)), Err(Error::Unwound)));
    assert_eq!(state(&arena), before);
    let panicked = catch_unwind(AssertUnwindSafe(|| change_all::<()>(&arena, || resume_unwind(Box::new(())))));
    assert!(panicked.is_err());
    assert_eq!(state(&arena), before);
    change_all(&arena, || Ok(())).unwrap();
    assert_eq!(state(&arena), ([Some(10), None, Some(6), Some(3), Some(8), None], 5, 5));
    assert_eq!(arena.values_of::<[i64; 9]>().count(), 1);
    // All keys work afterwards: the failed transactions have left nothing behind.
    for key in ["one", "other", "kept", "new", "newer", "dropped"] {
        arena.get_or_insert_with(key, || 0_i64).unwrap().update(|value| *value += 1).unwrap();
        assert!(arena.remove(key).unwrap());
    }
    assert_eq!(arena.len(), 1);
}

/// More than two changes need the list, and many keys need a larger table.
#[test]
fn a_transaction_takes_many_changes() {
    let arena = arena();
    let count = scaled(500, 100);
    let key = |number: u64| format!("key {number}");
    let mut expected = 0;
    for round in 0..4 {
        let ids = arena
            .transaction(|tx| {
                for number in 0..count {
                    if round % 2 == 0 {
                        tx.insert(&key(number), number)?;
                    } else {
                        assert!(tx.remove(&key(number))?);
                    }
                }
                (0..count).map(|number| tx.alloc(number)).collect::<Result<Vec<_>, _>>()
            })
            .unwrap();
        assert!((0..count).all(|number| arena.contains(&key(number)) == (round % 2 == 0)));
        assert!(ids.iter().zip(0..).all(|(id, number)| arena.get(*id).unwrap().unwrap().get() == number));
        expected += if round % 2 == 0 { 2 * count } else { 0 };
        assert_eq!(arena.len() as u64, expected);
    }
    assert_eq!(arena.iter().count() as u64, expected);
}

/// If the commit did not check again, it would add a second value under a key, or remove a value that another thread has
/// replaced.
#[test]
fn what_others_change_meanwhile_makes_it_begin_again() {
    let arena = arena();
    three(&arena);
    let mut calls = 0;
    let inserted = arena.transaction(|tx| {
        calls += 1;
        if let Some(found) = tx.get::<i64>("new")? {
            return Ok(found.get());
        }
        tx.insert("new", 1_i64)?;
        // Stands for another thread that adds the key first.
        arena.insert("new", 2_i64)?;
        Ok(1)
    });
    assert_eq!((inserted.unwrap(), calls, number(&arena, "new"), arena.len()), (2, 2, Some(2), 4));

    calls = 0;
    arena
        .transaction(|tx| {
            calls += 1;
            let old = tx.get::<i64>("kept")?.expect("it is there").get();
            tx.replace("kept", old + 10)?;
            if calls == 1 {
                arena.replace("kept", 100_i64)?;
            }
            Ok(())
        })
        .unwrap();
    assert_eq!((calls, number(&arena, "kept"), arena.len()), (2, Some(110), 4));

    calls = 0;
    let removed = arena.transaction(|tx| {
        calls += 1;
        let is_there = tx.remove("one")?;
        if calls == 1 {
            arena.remove("one")?;
        }
        Ok(is_there)
    });
    assert_eq!((removed.unwrap(), calls, arena.len()), (false, 2, 3));
}

/// Calls `work` in a transaction, and `meanwhile` at the end of the first attempt, in place of another thread. Returns the result and
/// the number of attempts.
fn attempted<R>(
    arena: &Arena,
    meanwhile: impl Fn(),
    work: impl Fn(&Transaction<'_>) -> Result<R, Error>,
) -> (Result<R, Error>, u32) {
    let mut attempts = 0;
    let result = arena.transaction(|tx| {
        attempts += 1;
        let result = work(tx);
        if attempts == 1 {
            meanwhile();
        }
        result
    });
    (result, attempts)
}

/// A transaction that takes a value for present may count the value although another one has moved it away, and one that takes it
/// for missing may fail or do nothing.
#[test]
fn what_others_change_of_what_it_has_seen_makes_it_begin_again() {
    let arena = arena();
    three(&arena);
    let total = arena.insert("total", 0_i64).unwrap();
    let add = |tx: &Transaction<'_>, key: &str| match tx.get::<i64>(key)? {
        Some(part) => tx.lock(&total)?.update(|total| *total += part.get()),
        None => Ok(()),
    };
    // A value that it has counted is gone, and then another one takes its place.
    let gone = || drop(arena.remove("one"));
    assert!(matches!(attempted(&arena, gone, |tx| add(tx, "one")), (Ok(()), 2)));
    assert_eq!(total.get(), 0);
    let replaced = || drop(arena.replace("other", 30_i64).unwrap());
    assert!(matches!(attempted(&arena, replaced, |tx| add(tx, "other")), (Ok(()), 2)));
    assert_eq!(total.get(), 30);
    // It has looked only, or has changed the arena only.
    let added = || drop(arena.insert("one", 1_i64).unwrap());
    let (found, attempts) = attempted(&arena, added, |tx| Ok(tx.get::<i64>("one")?.is_some()));
    assert!(matches!((found, attempts), (Ok(true), 2)));
    let (removed, attempts) = attempted(&arena, gone, |tx| {
        tx.replace("kept", 9_i64)?;
        Ok(tx.get::<i64>("one")?.is_some())
    });
    assert!(matches!((removed, attempts), (Ok(false), 2)));
    // It was told that there is nothing to remove.
    let (removed, attempts) = attempted(&arena, added, |tx| tx.remove("one"));
    assert!(matches!((removed, attempts), (Ok(true), 2)));
    // It fails, because it sees two states of the arena.
    let id = arena.alloc(5_i64).unwrap();
    let (value, attempts) = attempted(
        &arena,
        || drop(arena.remove(id)),
        |tx| tx.get(id)?.map_or(Ok(None), |_| Err(Error::Unsupported { what: "there are two of them" })),
    );
    assert!(matches!((value, attempts), (Ok(None::<()>), 2)), "{attempts}");
    // What does not change is no reason.
    let unrelated = || drop(arena.insert("unrelated", 1_i64).unwrap());
    let (value, attempts) = attempted(&arena, unrelated, |tx| {
        assert!(tx.get::<i64>("nothing")?.is_none());
        add(tx, "other")
    });
    assert!(matches!((value, attempts, total.get()), (Ok(()), 1, 60)));
}

/// Between the look for a key and its addition, another thread may add it: a key that was asked for with an initial value is not
/// an error.
#[test]
fn a_value_that_another_adds_first_is_found() {
    let arena = arena();
    let found = arena.transaction(|tx| {
        let found = tx.get_or_insert_with("new", || {
            // Stands for another thread.
            arena.get_or_insert_with("new", || 2_i64).unwrap();
            1_i64
        })?;
        let own = tx.get_or_insert_with("own", || {
            tx.get_or_insert_with("own", || 3_i64).unwrap();
            4_i64
        })?;
        Ok((found.get(), own.get()))
    });
    assert_eq!((found.unwrap(), number(&arena, "own"), arena.len()), ((2, 3), Some(3), 2));
}

#[test]
fn a_transaction_commits_once() {
    let arena = arena();
    let (one, other) = pair(&arena, 1, 2);
    let result = arena
        .transaction(|tx| {
            let guard = tx.lock(&other)?;
            guard.set(20)?;
            let committed = catch_unwind(AssertUnwindSafe(|| guard.commit()));
            assert!(committed.is_err(), "a part was committed");
            assert!(matches!(one.try_lock().map(drop), Ok(())), "it is not locked yet");
            tx.lock(&one)?.set(10)?;
            tx.lock(&other)?.update(|value| *value += 1)?;
            Ok(7)
        })
        .unwrap();
    assert_eq!((result, one.get(), other.get(), one.version(), other.version()), (7, 10, 21, 1, 1));
    // The thread itself holds a lock already.
    let guard = one.lock().unwrap();
    let held = arena.transaction(|tx| tx.lock(&one).map(drop));
    assert!(matches!(held, Err(Error::Lock(LockError::AlreadyHeld))));
    drop(guard);
    let elsewhere = Synchronized::new(1_i64).unwrap();
    let foreign = arena.transaction(|tx| tx.lock(&elsewhere).map(drop));
    assert!(matches!(foreign, Err(Error::Unsupported { .. })));
    // A guard that outlives the transaction keeps its lock, and commits on its own.
    let kept = arena.transaction(|tx| {
        drop(tx.lock(&other)?);
        tx.lock(&one)
    });
    let kept = kept.unwrap();
    kept.set(11).unwrap();
    kept.commit();
    drop(kept);
    assert_eq!(one.get(), 11);
}

/// A transaction must return the program's own error, or the closure's result, unchanged.
#[test]
fn a_transaction_fails_with_an_error_of_its_own() {
    #[derive(Debug)]
    enum Refusal {
        TooLittle(i64),
        Shared(Error),
    }
    impl From<Error> for Refusal {
        fn from(error: Error) -> Self {
            Self::Shared(error)
        }
    }
    let arena = arena();
    let (one, _) = pair(&arena, 1, 2);
    let pay = |amount: i64| {
        arena.try_transaction(|tx| {
            tx.insert(&format!("receipt {amount}"), amount)?;
            let one = tx.lock(&one)?;
            one.update(|value| *value -= amount)?;
            if one.get() < 0 { Err(Refusal::TooLittle(one.get())) } else { Ok(one.get()) }
        })
    };
    assert!(matches!(pay(5), Err(Refusal::TooLittle(-4))));
    assert_eq!((one.get(), arena.len()), (1, 2));
    assert_eq!((pay(1).unwrap(), one.get(), number(&arena, "receipt 1")), (0, 0, Some(1)));
    assert!(matches!(pay(1), Err(Refusal::Shared(Error::AlreadyExists { .. }))));
}

/// Arrays take part in transactions and snapshots like other values.
#[test]
fn transactions_and_snapshots_take_arrays() {
    let arena = arena();
    let array = arena.insert::<[u32]>("array", &[1_u32; 1_000]).unwrap();
    let sum = arena.insert("sum", 1_000_u32).unwrap();
    arena
        .transaction(|tx| {
            tx.lock(&array)?.fill(3)?;
            tx.lock(&sum)?.set(3_000)
        })
        .unwrap();
    let (elements, sum) = arena.snapshot(|snapshot| Ok((snapshot.load(&array)?, snapshot.load(&sum)?))).unwrap();
    assert_eq!((elements.iter().sum::<u32>(), elements.len(), sum), (3_000, 1_000, 3_000));
}

/// If locks were taken in the order in which closures name them, two transactions could deadlock.
#[test]
fn transactions_never_wait_in_a_circle() {
    in_time(|| {
        let arena = arena();
        let (one, other) = pair(&arena, 1_000, 0);
        let again = Synchronized::new(0_u64).unwrap();
        let rounds = scaled(20_000, 2_000);
        let children: Vec<_> = [(&one, &other), (&other, &one)]
            .map(|(from, to)| {
                let (arena, again) = (&arena, &again);
                fork(move || {
                    let mut calls = 0;
                    for _ in 0..rounds {
                        arena
                            .transaction(|tx| {
                                calls += 1;
                                tx.lock(from)?.update(|value| *value -= 1)?;
                                tx.lock(to)?.update(|value| *value += 1)
                            })
                            .unwrap();
                    }
                    again.update(|again| *again += calls - rounds).unwrap();
                })
            })
            .into();
        // Meanwhile readers see whole transactions only, whichever value they read first.
        let (reader, mut snapshots) = (arena.read_only().unwrap(), 0);
        let read = |key| reader.get::<i64>(key).unwrap().unwrap();
        let (read_one, read_other) = (read("one"), read("other"));
        while one.version() < rounds * 2 {
            let sum = if snapshots % 2 == 0 {
                arena.snapshot(|snapshot| Ok(snapshot.load(&one)? + snapshot.load(&other)?))
            } else {
                reader.snapshot(|snapshot| Ok(snapshot.load(&read_other)? + snapshot.load(&read_one)?))
            };
            assert_eq!(sum.unwrap(), 1_000);
            snapshots += 1;
        }
        children.into_iter().for_each(shared_value_tests::Forked::finish);
        assert_eq!((one.get(), other.get(), one.version()), (1_000, 0, rounds * 2));
        assert!(snapshots > 10);
    });
}

/// Threads and processes add, replace and remove values in transactions, while others do so without a transaction, under the
/// locks of values. No thread may wait forever, and a token must always lie under one of two keys.
#[test]
fn edits_of_many_go_together() {
    in_time(|| {
        let arena = arena();
        let (one, _) = pair(&arena, 0, 0);
        arena.insert("here", 0_i64).unwrap();
        let rounds = scaled(3_000, 300);
        let is_over = AtomicBool::new(false);
        let movers: Vec<_> = (0..2_u64)
            .map(|mover| {
                let (arena, one) = (&arena, &one);
                fork(move || {
                    for round in 0..rounds {
                        arena
                            .transaction(|tx| {
                                if round % 3 == mover {
                                    tx.lock(one)?.update(|value| *value += 1)?;
                                }
                                let value = i64::try_from(round).unwrap();
                                if tx.remove("here")? {
                                    return tx.insert("there", value).map(drop);
                                }
                                // If another process moves the token between the two look-ups, the transaction begins again.
                                if !tx.remove("there")? {
                                    return Err(Error::Unsupported { what: "the token lies under neither key" });
                                }
                                tx.insert("here", value).map(drop)
                            })
                            .unwrap();
                    }
                })
            })
            .collect();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut round = 0_u64;
                // The space of removed values is used again only when the arena is opened, so their number has a limit.
                while !is_over.load(Relaxed) && round < 100_000 {
                    // Under the lock of a value for which transactions wait.
                    let _guard = one.lock().unwrap();
                    let key = format!("own {}", round % 7);
                    arena.replace(&key, round).unwrap();
                    arena.remove(&format!("own {}", (round + 3) % 7)).unwrap();
                    round += 1;
                }
            });
            movers.into_iter().for_each(shared_value_tests::Forked::finish);
            is_over.store(true, Relaxed);
        });
        assert_ne!(arena.contains("here"), arena.contains("there"));
        assert_eq!(arena.len(), arena.iter().count());
        let keys: Vec<_> = arena.iter().filter_map(|entry| entry.key().map(str::to_owned)).collect();
        assert!(keys.iter().all(|key| keys.iter().filter(|other| *other == key).count() == 1), "{keys:?}");
    });
}

/// A child that is forked inside of a transaction must not take part in the transaction.
#[test]
fn a_transaction_does_not_fork() {
    in_time(|| {
        let arena = arena();
        let (one, other) = pair(&arena, 1, 2);
        let done = arena.transaction(|tx| {
            tx.lock(&one)?.set(10)?;
            tx.lock(&other)?.set(20)?;
            tx.insert("new", 1_i64)?;
            if let Some(child) = shared_value_tests::split() {
                child.finish();
                return Ok(());
            }
            assert_eq!(one.get(), 1, "the child sees what its parent has not committed");
            Ok(())
        });
        if one.get() == 1 {
            assert!(matches!(done, Err(Error::Lock(LockError::NotHeld))), "the child has changed nothing: {done:?}");
            // The child has left its copy of the transaction.
            assert!(matches!(one.try_lock().map(drop), Err(Error::Lock(LockError::WouldBlock))));
            assert!(!arena.contains("new"));
            end_now(0);
        }
        done.unwrap();
        assert_eq!((one.get(), other.get(), number(&arena, "new")), (10, 20, Some(1)));
    });
}

/// Waiting works on a value of an arena as on any other.
#[test]
fn a_change_wakes_those_who_wait_for_it() {
    in_time(|| {
        let arena = arena();
        let (one, other) = pair(&arena, 0, 0);
        let woken = AtomicU32::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                one.wait_for(|value| *value == 3, Duration::from_secs(20)).unwrap();
                woken.store(1, Relaxed);
            });
            thread::sleep(Duration::from_millis(20));
            arena
                .transaction(|tx| {
                    tx.lock(&one)?.set(3)?;
                    tx.lock(&other)?.set(4)
                })
                .unwrap();
            eventually("it is woken", || woken.load(Relaxed) == 1);
        });
    });
}
