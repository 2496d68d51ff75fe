//! Arenas: many values in one segment, transactions over several of them, and snapshots.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use std::{fs, thread};

use rustix::process::Signal;
use shared_value::{Arena, Error, FixedStr, Options, ReadOnly, SharedArray, Synchronized, ValueId, names};
use shared_value_tests::values::Account;
use shared_value_tests::{SHORT, SegmentName, end_now, eventually, fork, in_time, scaled};

const CAPACITY: usize = 1 << 24;

fn arena() -> Arena {
    Arena::anonymous(CAPACITY).unwrap()
}

/// Without the check of the layout, the words of one type would be taken for those of another.
#[test]
fn a_key_leads_to_its_value_as_what_it_is() {
    let arena = arena();
    let account = arena.create("account", Account::after(0)).unwrap();
    account.set_balance(7).unwrap();
    arena.create("number", 1_u64).unwrap();
    assert_eq!(arena.open::<Account>("account").unwrap().balance(), 7);
    let error = arena.open::<u64>("account").unwrap_err();
    assert!(matches!(&error, Error::LayoutMismatch { name, .. } if name.contains("account")), "{error}");
    assert!(matches!(arena.open::<i64>("number"), Err(Error::LayoutMismatch { .. })));
    assert!(matches!(arena.open::<u64>("nothing"), Err(Error::NotFound { .. })));
    assert!(matches!(arena.create("number", 2_u64), Err(Error::AlreadyExists { .. })));
    assert!(matches!(arena.open_or_create("number", 2_i64), Err(Error::LayoutMismatch { .. })));
    assert_eq!(arena.open_or_create("number", 2_u64).unwrap().get(), 1);
    for key in [String::new(), "x".repeat(256)] {
        assert!(matches!(arena.create(&key, 1_u8), Err(Error::InvalidName { .. })), "{key}");
    }
    let longest = "y".repeat(255);
    arena.create(&longest, 3_u8).unwrap();
    assert_eq!(arena.open::<u8>(&longest).unwrap().get(), 3);
}

/// If keys of one hash or a table that grows were mixed up, some of many would be lost or lead elsewhere.
#[test]
fn every_one_of_many_is_found() {
    let arena = arena();
    let count = scaled(20_000, 3_000);
    let mut ids = Vec::new();
    for number in 0..count {
        let value = arena.create(&format!("key {number}"), number).unwrap();
        ids.push(arena.id_of(&value).unwrap());
        if number % 3 == 0 {
            arena.remove(&format!("key {number}")).unwrap();
        }
    }
    for number in 0..count {
        let (by_key, by_id) =
            (arena.open::<u64>(&format!("key {number}")), arena.at::<u64>(ids[usize::try_from(number).unwrap()]));
        if number % 3 == 0 {
            assert!(matches!(by_key, Err(Error::NotFound { .. })), "{number}: {by_key:?}");
            assert!(matches!(by_id, Err(Error::NotFound { .. })), "{number}: {by_id:?}");
        } else {
            assert_eq!((by_key.unwrap().get(), by_id.unwrap().get()), (number, number));
        }
    }
    let keys: BTreeSet<_> = arena.keys().map(|stored| stored.key().unwrap().to_owned()).collect();
    let expected: BTreeSet<_> =
        (0..count).filter(|number| number % 3 != 0).map(|number| format!("key {number}")).collect();
    assert_eq!(keys, expected);
}

/// 128 bytes for a value of up to 16, with all that belongs to it; and no two values touch one line.
#[test]
fn small_values_are_compact() {
    let arena = arena();
    arena.value(0_u64).unwrap();
    let before = arena.used();
    for number in 0..100_u64 {
        arena.value(number).unwrap();
    }
    assert_eq!(arena.used() - before, 100 * 128);
    let before = arena.used();
    arena.value([1_u64, 2]).unwrap();
    let with_kind = arena.used() - before;
    arena.value([1_u64, 2]).unwrap();
    assert_eq!(arena.used() - before - with_kind, 128);
}

/// Without `fallocate` a full file system would end in SIGBUS; without the check of the capacity, in memory of nobody.
#[test]
fn an_arena_has_an_end() {
    let small = Arena::anonymous(4096).unwrap();
    let error = loop {
        if let Err(error) = small.value(1_u64) {
            break error;
        }
    };
    assert!(matches!(&error, Error::ArenaFull { capacity, .. } if *capacity >= 4000), "{error}");
    assert!(matches!(small.create_array::<f64>("large", 1 << 20), Err(Error::ArenaFull { .. })));
    assert!(small.create_array::<f64>("huge", usize::MAX / 64).is_err());
    let count = small.values().count();
    assert!((10..33).contains(&count), "{count}");

    // So much address space takes no memory.
    let large = Arena::anonymous(1 << 36).unwrap();
    large.value(1_u64).unwrap();
    assert_eq!(large.capacity(), 1 << 36);
}

/// If `open_or_create` looked and then created without the lock between, two processes would make the same key.
#[test]
fn of_many_who_create_a_key_one_does() {
    in_time(|| {
        let arena = arena();
        let rounds = scaled(300, 50);
        let children: Vec<_> = (0..4_u64)
            .map(|child| {
                let arena = &arena;
                fork(move || {
                    for round in 0..rounds {
                        let value = arena.open_or_create(&format!("common {round}"), 0_u64).unwrap();
                        value.update(|count| *count += 1).unwrap();
                        arena.create(&format!("own {child} {round}"), round).unwrap();
                        arena.value(round).unwrap();
                    }
                })
            })
            .collect();
        children.into_iter().for_each(shared_value_tests::Forked::finish);
        for round in 0..rounds {
            assert_eq!(arena.open::<u64>(&format!("common {round}")).unwrap().get(), 4);
            for child in 0..4 {
                assert_eq!(arena.open::<u64>(&format!("own {child} {round}")).unwrap().get(), round);
            }
        }
        assert_eq!(arena.values().count() as u64, rounds * 9);
        assert_eq!(arena.keys().count() as u64, rounds * 5);
    });
}

/// If removing freed the space at once, whoever has the value would see that of another.
#[test]
fn a_removed_value_goes_on_for_those_who_have_it() {
    let name = SegmentName::new("arena-remove");
    let arena = Arena::create(&name, CAPACITY).unwrap();
    let old = arena.create("key", 1_u64).unwrap();
    let id = arena.id_of(&old).unwrap();
    arena.remove("key").unwrap();
    assert!(!arena.contains("key") && arena.id_of(&old).is_none());
    assert!(matches!(arena.remove("key"), Err(Error::NotFound { .. })));
    let new = arena.create("key", 2_u64).unwrap();
    old.update(|value| *value += 10).unwrap();
    assert_eq!((old.get(), new.get(), arena.open::<u64>("key").unwrap().get()), (11, 2, 2));
    assert!(arena.at::<u64>(id).is_err());
    let used = arena.used();

    // While a reader has it open, nothing is reused either.
    let reader = Arena::<ReadOnly>::open_read_only(&name).unwrap();
    drop((arena, old, new));
    let arena = Arena::open(&name).unwrap();
    arena.create("another", 3_u64).unwrap();
    assert!(arena.used() > used);
    let used = arena.used();
    drop(reader);
    drop(arena);

    // Nobody has it open now.
    name.wait_until_unused();
    let arena = Arena::open(&name).unwrap();
    let reused = arena.create("reused", 4_u64).unwrap();
    assert_eq!(arena.used(), used);
    assert!(matches!(arena.at::<u64>(id), Err(Error::NotFound { .. })), "an old id leads to a new value");
    assert_eq!((reused.get(), reused.version(), arena.open::<u64>("key").unwrap().get()), (4, 0, 2));
    let keys: BTreeSet<_> = arena.keys().map(|stored| stored.key().unwrap().to_owned()).collect();
    assert_eq!(keys, ["another", "key", "reused"].map(str::to_owned).into());
}

/// A lock that a machine took down with it must not stay held in an arena that is opened again.
#[test]
fn locks_of_a_copied_arena_are_free() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (directory.path().join("arena"), directory.path().join("copy"));
    let arena = Arena::create_file(&path, 1 << 16).unwrap();
    let value = arena.create("key", [1_u64; 100]).unwrap();
    let array = arena.create_array("array", &[1_u32, 2, 3]).unwrap();
    let guard = (value.lock().unwrap(), array.lock().unwrap());
    value.set([2; 100]).unwrap();
    array.fill(9).unwrap();
    fs::copy(&path, &copy).unwrap();
    drop(guard);
    let copied = Arena::open_file(&copy).unwrap();
    let (value, array) = (copied.open::<[u64; 100]>("key").unwrap(), copied.open_array::<u32>("array").unwrap());
    assert!(value.try_lock().is_ok() && array.try_lock().is_ok());
    assert_eq!((value.get(), array.to_vec().unwrap()), ([1; 100], vec![1, 2, 3]));
    value.update(|all| all[7] = 8).unwrap();
    assert_eq!((value.at(6), value.at(7)), (1, 8));
}

#[test]
fn an_arena_goes_wherever_a_value_goes() {
    let name = SegmentName::new("arena-token");
    for arena in [arena(), Arena::create(&name, CAPACITY).unwrap()] {
        let value = arena.create("key", 1_u64).unwrap();
        let by_token = Arena::from_token(&arena.token().unwrap()).unwrap();
        by_token.open::<u64>("key").unwrap().set(2).unwrap();
        assert_eq!(value.get(), 2);
        let read_only = arena.read_only().unwrap();
        assert_eq!(read_only.open::<u64>("key").unwrap().get(), 2);
        assert_eq!(read_only.keys().count(), 1);
        let by_token = Arena::<ReadOnly>::from_token_read_only(&arena.token().unwrap()).unwrap();
        assert_eq!(by_token.open::<u64>("key").unwrap().get(), 2);
        let (here, there) = std::os::unix::net::UnixStream::pair().unwrap();
        arena.send_to(&here).unwrap();
        assert!(Arena::receive_from(&there).unwrap().contains("key"));
    }
    // Opened by its token while nobody has it open, it is put in order as well.
    name.wait_until_unused();
    let arena = Arena::open(&name).unwrap();
    let token = arena.token().unwrap();
    arena.remove("key").unwrap();
    let used = arena.used();
    drop(arena);
    name.wait_until_unused();
    let arena = Arena::from_token(&token).unwrap();
    arena.create("new", 1_u64).unwrap();
    assert_eq!(arena.used(), used);
    assert!(names().unwrap().iter().any(|found| found.name() == &*name && found.type_name() == "Arena"));
    assert!(matches!(Synchronized::<u64>::open(&name), Err(Error::LayoutMismatch { .. })));
}

/// Without its number, the handle of a value in an arena would lead to the directory of the arena.
#[test]
fn a_value_of_an_arena_is_handed_over_alone() {
    let arena = arena();
    let others = arena.create("other", 5_u64).unwrap();
    let value = arena.create("key", Account::after(0)).unwrap();
    let array = arena.create_array("array", &[1_u8, 2, 3]).unwrap();
    let token = value.token().unwrap();
    Synchronized::<Account>::from_token(&token).unwrap().set_balance(9).unwrap();
    assert_eq!(value.balance(), 9);
    assert_eq!(Synchronized::<Account, ReadOnly>::from_token_read_only(&token).unwrap().balance(), 9);
    assert_eq!(value.read_only().unwrap().balance(), 9);
    assert!(matches!(Synchronized::<u64>::from_token(&token), Err(Error::LayoutMismatch { .. })));
    let array_again = SharedArray::<u8>::from_token(&array.token().unwrap()).unwrap();
    array_again.set(1, 7).unwrap();
    assert_eq!(array.to_vec().unwrap(), [1, 7, 3]);
    let (here, there) = std::os::unix::net::UnixStream::pair().unwrap();
    value.send_to(&here).unwrap();
    others.send_to(&here).unwrap();
    assert_eq!(Synchronized::<Account>::receive_from(&there).unwrap().balance(), 9);
    assert_eq!(Synchronized::<u64>::receive_from(&there).unwrap().get(), 5);
    arena.remove("key").unwrap();
    assert!(Synchronized::<Account>::from_token(&token).is_err(), "it was removed");
}

#[test]
fn options_serve_arenas_too() {
    let name = SegmentName::new("arena-options");
    let arena = Options::new().unlink_on_drop(true).create_arena(&name, CAPACITY).unwrap();
    arena.create("key", FixedStr::<8>::new("text").unwrap()).unwrap();
    drop(arena);
    assert!(matches!(Arena::open(&name), Err(Error::NotFound { .. })));
    let pthread = Options::new().lock_kind(shared_value::LockKind::Pthread);
    assert!(matches!(pthread.share_arena(CAPACITY), Err(Error::Unsupported { .. })));
    let fixed = Options::new().no_new_writers().share_arena(CAPACITY).unwrap();
    for number in 0..1_000_u64 {
        fixed.create(&number.to_string(), number).unwrap();
    }
    assert_eq!(fixed.read_only().unwrap().open::<u64>("999").unwrap().get(), 999);
}

fn pair(arena: &Arena, one: i64, other: i64) -> (Synchronized<i64>, Synchronized<i64>) {
    (arena.create("one", one).unwrap(), arena.create("other", other).unwrap())
}

#[test]
fn a_transaction_that_fails_changes_nothing() {
    let arena = arena();
    let (one, other) = pair(&arena, 1, 2);
    let failed = arena.transaction(|transaction| {
        transaction.lock(&one)?.store(10);
        one.update(|value| *value += 1)?;
        transaction.lock(&other)?.store(20);
        assert_eq!((one.get(), other.get()), (11, 20), "the thread sees its own writes");
        Err::<(), _>(Error::WouldBlock)
    });
    assert!(matches!(failed, Err(Error::WouldBlock)));
    assert_eq!((one.get(), other.get(), one.version(), other.version()), (1, 2, 0, 0));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        arena.transaction(|transaction| {
            transaction.lock(&one)?.store(10);
            transaction.lock(&other)?.store(20);
            panic!("in the middle");
            #[expect(unreachable_code, reason = "it gives the closure its type")]
            Ok::<(), Error>(())
        })
    }));
    assert!(panicked.is_err());
    assert_eq!((one.get(), other.get()), (1, 2));
    // A panic that is caught inside leaves a part that must not be committed.
    let unwound = arena.transaction(|transaction| {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let mut guard = transaction.lock(&one).unwrap();
            guard.store(10);
            panic!("in the middle");
        }));
        assert!(caught.is_err());
        Ok::<(), Error>(())
    });
    assert!(matches!(unwound, Err(Error::Unwound)));
    assert_eq!((one.get(), one.version()), (1, 0));
    assert!(one.try_lock().is_ok() && other.try_lock().is_ok());
    one.set(5).unwrap();
    assert_eq!(one.get(), 5);
}

#[test]
fn a_transaction_commits_once() {
    let arena = arena();
    let (one, other) = pair(&arena, 1, 2);
    let result = arena
        .transaction(|transaction| {
            let mut guard = transaction.lock(&other)?;
            guard.store(20);
            let committed = catch_unwind(AssertUnwindSafe(|| guard.commit()));
            assert!(committed.is_err(), "a part was committed");
            assert!(matches!(one.try_lock().map(drop), Ok(())), "it is not locked yet");
            transaction.lock(&one)?.store(10);
            transaction.lock(&other)?.update(|value| *value += 1)?;
            Ok::<_, Error>(7)
        })
        .unwrap();
    assert_eq!((result, one.get(), other.get(), one.version(), other.version()), (7, 10, 21, 1, 1));
    // The thread itself holds a lock already.
    let guard = one.lock().unwrap();
    let held = arena.transaction(|transaction| transaction.lock(&one).map(drop));
    assert!(matches!(held, Err(Error::AlreadyHeld)));
    drop(guard);
    let elsewhere = Synchronized::new(1_i64).unwrap();
    let foreign = arena.transaction(|transaction| transaction.lock(&elsewhere).map(drop));
    assert!(matches!(foreign, Err(Error::Unsupported { .. })));
    // A guard that outlives the transaction goes on for itself.
    let kept = arena.transaction(|transaction| {
        drop(transaction.lock(&other)?);
        transaction.lock(&one)
    });
    let mut kept = kept.unwrap();
    kept.store(11);
    kept.commit();
    drop(kept);
    assert_eq!(one.get(), 11);
}

/// A transaction takes in arrays, whose changes are as whole.
#[test]
fn transactions_and_snapshots_take_arrays() {
    let arena = arena();
    let array = arena.array(&[1_u32; 1_000]).unwrap();
    let sum = arena.create("sum", 1_000_u32).unwrap();
    arena
        .transaction(|transaction| {
            transaction.lock(&array)?.fill(3);
            transaction.lock(&sum)?.store(3_000);
            Ok::<(), Error>(())
        })
        .unwrap();
    let (elements, sum) =
        arena.snapshot(|snapshot| Ok::<_, Error>((snapshot.load(&array)?, snapshot.load(&sum)?))).unwrap();
    assert_eq!((elements.iter().sum::<u32>(), elements.len(), sum), (3_000, 1_000, 3_000));
}

/// Taken in the order in which closures name them, the locks of two transactions would wait for each other for ever.
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
                            .transaction(|transaction| {
                                calls += 1;
                                transaction.lock(from)?.update(|value| *value -= 1)?;
                                transaction.lock(to)?.update(|value| *value += 1)?;
                                Ok::<(), Error>(())
                            })
                            .unwrap();
                    }
                    again.update(|again| *again += calls - rounds).unwrap();
                })
            })
            .into();
        // Meanwhile everybody sees all of each, whichever value is read first.
        let (reader, mut snapshots) = (arena.read_only().unwrap(), 0);
        let (read_one, read_other) = (reader.open::<i64>("one").unwrap(), reader.open::<i64>("other").unwrap());
        while one.version() < rounds * 2 {
            let sum = if snapshots % 2 == 0 {
                arena.snapshot(|snapshot| Ok::<_, Error>(snapshot.load(&one)? + snapshot.load(&other)?))
            } else {
                reader.snapshot(|snapshot| Ok::<_, Error>(snapshot.load(&read_other)? + snapshot.load(&read_one)?))
            };
            assert_eq!(sum.unwrap(), 1_000);
            snapshots += 1;
        }
        children.into_iter().for_each(shared_value_tests::Forked::finish);
        assert_eq!((one.get(), other.get(), one.version()), (1_000, 0, rounds * 2));
        assert!(snapshots > 10);
    });
}

/// A process that is killed in a transaction takes nothing with it but what it has not committed, whatever it holds.
#[test]
fn money_survives_those_who_move_it() {
    const ACCOUNTS: usize = 8;
    in_time(|| {
        let arena = arena();
        let accounts: Vec<_> =
            (0..ACCOUNTS).map(|number| arena.create(&number.to_string(), 100_i64).unwrap()).collect();
        for round in 0..scaled(100, 30) {
            let child = fork(|| {
                let mut random = fastrand::Rng::with_seed(round);
                loop {
                    let mut chosen: Vec<_> = (0..ACCOUNTS).collect();
                    random.shuffle(&mut chosen);
                    arena
                        .transaction(|transaction| {
                            for (place, index) in chosen[..4].iter().enumerate() {
                                let mut account = transaction.lock(&accounts[*index])?;
                                account.update(|balance| *balance += [3, -1, -1, -1][place])?;
                            }
                            Ok::<(), Error>(())
                        })
                        .unwrap();
                }
            });
            thread::sleep(Duration::from_micros(200 + fastrand::u64(..2_000)));
            child.signal(Signal::KILL);
            child.finish_killed();
            // Without any lock, and before anybody has put anything in order.
            let total = |load: &dyn Fn(&Synchronized<i64>) -> i64| accounts.iter().map(load).sum::<i64>();
            assert_eq!(total(&|account| account.get()), 800, "round {round}");
            let sum = arena
                .snapshot(|snapshot| accounts.iter().map(|account| snapshot.load(account)).sum::<Result<i64, _>>());
            assert_eq!(sum.unwrap(), 800);
            for account in &accounts {
                account.lock_timeout(SHORT).unwrap().update(|balance| *balance += 0).unwrap();
            }
            assert_eq!(total(&|account| account.get()), 800, "round {round}, after recovery");
        }
        assert!(accounts.iter().map(Synchronized::recoveries).sum::<u64>() > 0, "nobody died with a lock");
    });
}

/// In a child that is forked inside of one, a transaction belongs to nobody.
#[test]
fn a_transaction_does_not_fork() {
    in_time(|| {
        let arena = arena();
        let (one, other) = pair(&arena, 1, 2);
        arena
            .transaction(|transaction| {
                transaction.lock(&one)?.store(10);
                transaction.lock(&other)?.store(20);
                if let Some(child) = shared_value_tests::split() {
                    child.finish();
                    return Ok::<(), Error>(());
                }
                assert_eq!(one.get(), 1, "the child sees what its parent has not committed");
                Ok(())
            })
            .unwrap();
        if one.get() == 1 {
            // The child has left its copy of the transaction.
            assert!(matches!(one.try_lock().map(drop), Err(Error::WouldBlock)));
            end_now(0);
        }
        assert_eq!((one.get(), other.get()), (10, 20));
    });
}

#[test]
fn ids_are_values() {
    let arena = arena();
    let leaf = arena.value(35_u8).unwrap();
    let root = arena.create("root", [arena.id_of(&leaf).unwrap(); 2]).unwrap();
    let [id, _] = root.get();
    assert_eq!(arena.at::<u8>(id).unwrap().get(), 35);
    assert_eq!(ValueId::from_bits(id.to_bits()), id);
    for bits in [0, 1, u64::MAX, id.to_bits() + 1, id.to_bits() ^ 1 << 17, 1 << 63] {
        assert!(arena.at::<u8>(ValueId::from_bits(bits)).is_err(), "{bits:x}");
    }
    arena.remove_at(id).unwrap();
    assert!(arena.at::<u8>(id).is_err() && arena.remove_at(id).is_err());
    assert_eq!(leaf.get(), 35);
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
                .transaction(|transaction| {
                    transaction.lock(&one)?.store(3);
                    transaction.lock(&other)?.store(4);
                    Ok::<(), Error>(())
                })
                .unwrap();
            eventually("it is woken", || woken.load(Relaxed) == 1);
        });
    });
}
