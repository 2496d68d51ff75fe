//! Locks: `get_lock()`, and what is done without it.

use std::thread;

use shared_value::{Error, LockState, Synchronized};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{DEADLINE, eventually, fork, in_time, scaled};

/// (26) Under the lock, increments of two processes are not lost.
#[test]
fn increments_under_the_lock_are_exact() {
    let count = scaled(50_000, 10_000);
    let value = Synchronized::new(0_u64).unwrap();
    let children = [(); 2].map(|()| {
        fork(|| {
            for _ in 0..count {
                let guard = value.lock().unwrap();
                let number = guard.load().unwrap();
                guard.set(number + 1).unwrap();
            }
        })
    });
    for child in children {
        child.finish();
    }
    assert_eq!(value.get(), 2 * count);
}

/// (27) Reading, then writing is two operations, between which others come; `update` is one.
#[test]
fn between_get_and_set_others_come() {
    let value = Synchronized::new(0_u64).unwrap();
    let others_add = || fork(|| value.update(|number| *number += 1).unwrap()).finish();
    let seen = value.get();
    others_add();
    value.set(seen + 1).unwrap();
    assert_eq!(value.get(), 1, "one of the two was lost");

    let child = value
        .update(|number| {
            *number += 1;
            let child = fork(|| value.update(|number| *number += 1).unwrap());
            // While it waits for the end of this closure.
            thread::sleep(std::time::Duration::from_millis(20));
            child
        })
        .unwrap();
    child.finish();
    assert_eq!(value.get(), 3);
}

/// (27) An addition that needs no lock is exact, too.
#[test]
fn atomic_increments_are_exact() {
    let count = scaled(50_000, 10_000);
    let account = SynchronizedAccount::new(Account::after(1)).unwrap();
    let children = [(); 2].map(|()| {
        fork(|| {
            for _ in 0..count {
                account.requests().fetch_add(1);
            }
        })
    });
    for child in children {
        child.finish();
    }
    assert_eq!((account.requests(), account.version()), (2 * count, 0));
}

/// (32) Leaving the scope by an error releases the lock, and keeps what was written: for less, there are `rollback` and
/// `try_update`.
#[test]
fn an_error_releases_the_lock_and_keeps_what_was_written() {
    let account = SynchronizedAccount::new(Account::after(1)).unwrap();
    let withdraw = |text: &str| -> Result<(), Box<dyn std::error::Error>> {
        let guard = account.lock()?;
        guard.set_frozen(true).unwrap();
        let amount: i64 = text.parse()?;
        guard.update_balance(|balance| *balance -= amount).unwrap();
        guard.set_frozen(false).unwrap();
        Ok(())
    };
    withdraw("ten").unwrap_err();
    assert_eq!((account.frozen(), account.balance(), account.lock_state()), (true, 10, LockState::Free));
    withdraw("4").unwrap();
    assert_eq!((account.frozen(), account.balance()), (false, 6));
}

/// (50) Whoever prints a value to find out who holds its lock must not wait for that.
#[test]
fn printing_never_waits() {
    in_time(|| {
        let (account, done) = (SynchronizedAccount::new(Account::after(1)).unwrap(), Synchronized::new(false).unwrap());
        let child = fork(|| {
            let guard = account.lock().unwrap();
            guard.set_balance(99).unwrap();
            done.wait_for(|done| *done, DEADLINE).unwrap();
        });
        eventually("the child holds the lock", || {
            matches!(account.try_lock(), Err(Error::Lock(LockError::WouldBlock)))
        });
        let text = format!("{account:?}");
        assert!(text.contains("balance: 10") && text.contains("Held"), "{text}");
        assert!(account.try_lock().is_err(), "it was held all the time");
        done.set(true).unwrap();
        child.finish();
        assert!(format!("{account:?}").contains("balance: 99"));
    });
}
