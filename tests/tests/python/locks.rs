//! Locks: `get_lock()`, and changes without it.

use std::thread;

use shared_value::{Error, LockError, LockState, Synchronized};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{DEADLINE, eventually, fork, in_time, scaled};

/// (26) Under the lock, no increment of two processes may be lost.
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

/// (27) A read and a write are two operations, between which another process may write; `update` is one.
#[test]
fn between_get_and_set_others_come() {
    let value = Synchronized::new(0_u64).unwrap();
    let others_add = || fork(|| value.update(|number| *number += 1).unwrap()).finish();
    let seen = value.get();
    others_add();
    value.set(seen + 1).unwrap();
    assert_eq!(value.get(), 1, "one of the two increments was lost");

    let child = value
        .update(|number| {
            *number += 1;
            let child = fork(|| value.update(|number| *number += 1).unwrap());
            // Meanwhile the child waits for the end of this closure.
            thread::sleep(std::time::Duration::from_millis(20));
            child
        })
        .unwrap();
    child.finish();
    assert_eq!(value.get(), 3);
}

/// (27) Additions to an atomic field must be exact without the lock.
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
    assert_eq!((account.requests().load(), account.version()), (2 * count, 0));
}

/// (32) An early return with an error must release the lock, and commits the writes before it. `rollback` and `try_update`
/// undo them.
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

/// (50) Printing a value, for example to find the owner of its lock, must not wait for the lock.
#[test]
fn printing_never_waits() {
    in_time(|| {
        let (account, done) = (SynchronizedAccount::new(Account::after(1)).unwrap(), Synchronized::new(false).unwrap());
        let child = fork(|| {
            let guard = account.lock().unwrap();
            guard.set_balance(99).unwrap();
            done.wait_for(|done| *done, DEADLINE).unwrap();
        });
        let is_held = || matches!(account.try_lock(), Err(Error::Lock(LockError::WouldBlock)));
        eventually("the child holds the lock", is_held);
        let text = format!("{account:?}");
        assert!(text.contains("balance: 10") && text.contains("Held"), "{text}");
        assert!(is_held(), "the child still holds the lock");
        done.set(true).unwrap();
        child.finish();
        assert!(format!("{account:?}").contains("balance: 99"));
    });
}
