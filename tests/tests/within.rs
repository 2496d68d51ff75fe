//! Changes that wait for the lock for a limited time.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use shared_value::{
    DynLayout, DynValue, Error, Filled, LockError, LockKind, RLock, Shared, SharedArray, SharedValue, Synchronized,
    Zeroed,
};
use shared_value_tests::in_time;

const SOON: Duration = Duration::from_millis(1);

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Account {
    balance: i64,
    limits: [u32; 4],
    #[shared(atomic)]
    requests: u64,
}

const START: Account = Account { balance: 100, limits: [0; 4], requests: 0 };

/// Every change by a handle with this limit: what it was, and how it ended.
fn changes(account: &Synchronized<Account>, limit: Duration) -> Vec<(&'static str, Result<(), Error>)> {
    let account = account.within(limit);
    let next = Account { balance: 7, limits: [7; 4], requests: 7 };
    vec![
        ("set", account.set(next)),
        ("copy_from", account.copy_from(&next)),
        ("update", account.update(|account| account.balance = 8)),
        (
            "try_update",
            account.try_update(|account| {
                account.balance = 9;
                Ok(())
            }),
        ),
        ("set_field", account.set_balance(10)),
        ("update_field", account.update_balance(|balance| *balance += 1)),
        ("set_at", account.in_limits().set_at(1, 5)),
        ("update_at", account.in_limits().update_at(1, |limit| *limit += 1)),
        ("write_slice", account.in_limits().write_slice(2, &[1, 2])),
        ("update_all", account.in_limits().update_all(<[u32]>::reverse)),
        ("swap", account.in_limits().swap(0, 1)),
    ]
}

/// Each limit, and the error of a change that it ends.
const LIMITS: [(Duration, LockError); 2] = [(Duration::ZERO, LockError::WouldBlock), (SOON, LockError::TimedOut)];

/// Runs the closure in another thread, while this thread holds the lock.
fn beside<T: SharedValue, R: Send>(holder: &Synchronized<T>, work: impl FnOnce() -> R + Send) -> R {
    let _guard = holder.lock().unwrap();
    thread::scope(|scope| scope.spawn(work).join().unwrap())
}

#[track_caller]
fn assert_refused<R: std::fmt::Debug>(result: &Result<R, Error>, expected: LockError, what: &str) {
    assert!(matches!(result, Err(Error::Lock(error)) if *error == expected), "{what}: {result:?}");
}

fn check_account(account: &Synchronized<Account>) {
    for (limit, expected) in LIMITS {
        for (what, result) in beside(account, || changes(account, limit)) {
            assert_refused(&result, expected, what);
        }
    }
    assert_eq!((account.load().unwrap(), account.version()), (START, 0));
    for (limit, _) in LIMITS {
        for (what, result) in changes(account, limit) {
            result.unwrap_or_else(|error| panic!("{what}: {error}"));
        }
        assert_eq!(account.load().unwrap(), Account { balance: 11, limits: [1, 2, 6, 7], requests: 0 });
    }
    // A thread that holds the lock takes it again.
    let guard = account.lock().unwrap();
    account.within(Duration::ZERO).set_balance(1).unwrap();
    guard.rollback();
}

/// A program that answers its user while another one holds the lock relies on each of these ends.
#[test]
fn each_change_ends_in_time() {
    in_time(|| {
        check_account(&Synchronized::new(START).unwrap());
        check_account(&Synchronized::options().lock_kind(LockKind::Pthread).new(START).unwrap());
        let lock = RLock::new().unwrap();
        check_account(&Synchronized::options().lock(&lock).new(START).unwrap());
        let other = Synchronized::new(0_u8).unwrap();
        let account = Synchronized::new(START).unwrap();
        for (limit, expected) in LIMITS {
            // With another lock held, the general path is taken.
            let results = beside(&account, || {
                let _other = other.lock().unwrap();
                changes(&account, limit)
            });
            for (what, result) in results {
                assert_refused(&result, expected, what);
            }
        }
        assert_eq!((account.load().unwrap(), account.version()), (START, 0));
    });
}

/// Without it, a waiter that must not hold its lock twice would wait for itself, or a large value be changed in part.
#[test]
fn other_values() {
    in_time(|| {
        let once = Synchronized::options().non_recursive().new(1_u64).unwrap();
        let guard = once.lock().unwrap();
        for (limit, _) in LIMITS {
            assert_refused(&once.within(limit).set(2), LockError::AlreadyHeld, "non-recursive");
        }
        drop(guard);

        let large = Synchronized::<[u64; 4096]>::new(Zeroed).unwrap();
        let array = SharedArray::new(Filled(0_u8, 100)).unwrap();
        let layout = DynLayout::of::<[u16; 3]>().unwrap();
        let dynamic = DynValue::new(layout).unwrap();
        for (limit, expected) in LIMITS {
            assert_refused(&beside(&large, || large.within(limit).update(|all| all[5] = 1)), expected, "large");
            let (held, release) = hold(&array);
            assert_refused(&array.within(limit).fill(1), expected, "array");
            assert_refused(&array.within(limit).element(5).set(1), expected, "element");
            release.send(()).unwrap();
            held.join().unwrap();
            let (held, release) = hold(&dynamic);
            assert_refused(&dynamic.within(limit).set("[1]", 5_u8), expected, "path");
            assert_refused(&dynamic.within(limit).update("", |_| ()), expected, "all");
            assert_refused(&dynamic.within(limit).write_bytes("[1]", &[1, 2]), expected, "bytes");
            release.send(()).unwrap();
            held.join().unwrap();
        }
        assert_eq!((large.version(), array.version(), dynamic.version()), (0, 0, 0));
        dynamic.within(SOON).set("[1]", 5_u8).unwrap();
        array.within(SOON).fill(2).unwrap();
        large.within(Duration::MAX).update(|all| all[5] = 1).unwrap();
        assert_eq!((large.at(5), array.at(99), dynamic.get("[1]").unwrap().as_u64()), (1, 2, Some(5)));

        let raw = Synchronized::options().unlocked().new(1_u64).unwrap();
        raw.within(Duration::ZERO).update(|number| *number += 1).unwrap();
        assert_eq!(raw.get(), 2);
    });
}

/// Holds the lock in another thread until it is told to release it.
fn hold<C: Shared + ?Sized>(value: &Synchronized<C>) -> (thread::JoinHandle<()>, mpsc::Sender<()>) {
    let (value, (release, released), (sender, taken)) = (value.clone(), mpsc::channel(), mpsc::channel());
    let held = thread::spawn(move || {
        let _guard = value.lock().unwrap();
        sender.send(()).unwrap();
        let _ = released.recv();
    });
    taken.recv().unwrap();
    (held, release)
}

/// A limit must not make a change give up while the lock may still be released.
#[test]
fn a_change_waits_as_long_as_its_limit() {
    in_time(|| {
        let counter = Synchronized::new(0_u64).unwrap();
        let (held, release) = hold(&counter);
        let start = Instant::now();
        assert_refused(&counter.within(Duration::from_millis(200)).set(1), LockError::TimedOut, "a limit");
        assert!(start.elapsed() >= Duration::from_millis(200));
        let waiter = {
            let counter = counter.clone();
            thread::spawn(move || counter.within(Duration::from_secs(3600)).update(|count| *count += 1))
        };
        thread::sleep(Duration::from_millis(150));
        assert!(!waiter.is_finished());
        release.send(()).unwrap();
        held.join().unwrap();
        waiter.join().unwrap().unwrap();
        assert_eq!(counter.get(), 1);
    });
}
