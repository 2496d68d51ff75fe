//! Changing a value inside of its own `update`.

use std::panic::{self, AssertUnwindSafe};

use shared_value::{Error, LockState, Synchronized};
use shared_value_tests::in_time;
use shared_value_tests::values::{Account, SynchronizedAccount};

/// Without the borrow mark, the closure's result overwrites what was written meanwhile.
#[test]
fn a_write_through_a_handle_is_refused() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let clone = account.clone();
        account
            .update(|value| {
                value.balance = 20;
                for handle in [&account, &clone] {
                    assert!(matches!(handle.set_balance(1), Err(Error::Borrowed)));
                    assert!(matches!(handle.set_limits_at(0, 1), Err(Error::Borrowed)));
                    assert!(matches!(handle.store(Account::after(3)), Err(Error::Borrowed)));
                    assert!(matches!(handle.update_deposits(|deposits| *deposits += 1), Err(Error::Borrowed)));
                    assert!(matches!(handle.update(|value| value.balance = 1), Err(Error::Borrowed)));
                }
            })
            .unwrap();
        assert_eq!(account.load().unwrap(), Account { balance: 20, ..Account::after(1) });
        assert_eq!(account.version(), 1);

        // The same inside of the update of one field, even for another field.
        let result = account.update_balance(|balance| {
            *balance += 1;
            account.set_deposits(9)
        });
        assert!(matches!(result, Ok(Err(Error::Borrowed))), "{result:?}");
        assert_eq!((account.balance(), account.deposits()), (21, 1));
        assert_eq!(Error::Borrowed.to_string(), result.unwrap().unwrap_err().to_string());

        account.set_balance(7).expect("the value is not borrowed any more");
        assert_eq!(account.balance(), 7);
    });
}

/// Without the borrow mark, a guard's setters, which cannot fail, would lose their write silently.
#[test]
fn a_write_through_a_guard_panics() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let writes: [fn(&SynchronizedAccount); 5] = [
            |account| account.lock().unwrap().set_balance(1),
            |account| account.lock().unwrap().set_limits_at(0, 1),
            |account| account.lock().unwrap().store(Account::after(3)),
            |account| account.lock().unwrap().update_frozen(|frozen| *frozen = true),
            |account| drop(account.lock().unwrap().update(|value| value.balance = 1)),
        ];
        for write in writes {
            account
                .update(|value| {
                    value.deposits += 1;
                    let panicked = panic::catch_unwind(AssertUnwindSafe(|| write(&account))).unwrap_err();
                    let message = panicked.downcast_ref::<String>().expect("a message");
                    assert!(message.contains("borrowed by an `update`"), "{message}");
                })
                .expect("the panic was caught inside of the closure");
        }
        assert_eq!(account.load().unwrap(), Account { deposits: 6, ..Account::after(1) });
    });
}

/// A guard is shared with the closure of its own `update_x`, so the compiler cannot refuse a write there.
#[test]
fn a_write_through_the_same_guard_panics() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let guard = account.lock().unwrap();
        guard.update_balance(|balance| {
            *balance += guard.balance();
            let panicked = panic::catch_unwind(AssertUnwindSafe(|| guard.set_deposits(9))).unwrap_err();
            let message = panicked.downcast_ref::<String>().expect("a message");
            assert!(message.contains("borrowed by an `update`"), "{message}");
        });
        let panicked = panic::catch_unwind(AssertUnwindSafe(|| guard.update_balance(|_| guard.set_frozen(true))));
        assert!(panicked.is_err());
        guard.set_deposits(guard.deposits() + 1);
        drop(guard);
        let expected = Account { balance: 20, deposits: 2, ..Account::after(1) };
        assert_eq!((account.load().unwrap(), account.version()), (expected, 1));
    });
}

/// If reads failed there, a closure could not look at the value that it is about to replace.
#[test]
fn reads_see_the_value_before_the_closure() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let mut guard = account.lock().unwrap();
        guard.set_frozen(true);
        guard
            .update(|value| {
                value.balance = 99;
                assert_eq!(account.balance(), 10, "what the closure changes is not written yet");
                assert!(account.frozen(), "what this thread wrote before is seen");
                assert_eq!(account.load().unwrap(), Account { frozen: true, ..Account::after(1) });
                assert_eq!(account.limits_at(3), 1);
                let again = account.lock().expect("the lock is recursive");
                assert_eq!(again.balance(), 10);
                account.requests_fetch_add(1);
            })
            .unwrap();
        assert_eq!((guard.balance(), guard.requests()), (99, 1));
    });
}

/// A mark that outlived its `update` would make the value read-only for this thread.
#[test]
fn a_panic_in_the_closure_ends_the_borrow() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let outer = account.lock().unwrap();
        let panicked = panic::catch_unwind(AssertUnwindSafe(|| account.update(|_| panic!("in the middle"))));
        assert!(panicked.is_err());
        account.set_balance(5).expect("the value is not borrowed any more");
        drop(outer);
        assert_eq!(account.balance(), 5);
    });
}

/// The borrow ends with the closure, also where the lock stays held because a guard was taken in it.
#[test]
fn a_guard_that_leaves_an_update_can_write() {
    let number = Synchronized::new(0_u64).unwrap();
    // A thread's first lock takes another way.
    number.set(1).unwrap();
    let mut guard = number
        .update(|number_of_now| {
            *number_of_now += 1;
            number.lock().unwrap()
        })
        .unwrap();
    assert_eq!((number.get(), number.version()), (2, 2));
    guard.store(3);
    number.update(|number| *number += 1).unwrap();
    assert_eq!((number.get(), number.version()), (4, 2));
    drop(guard);
    assert_eq!((number.get(), number.version(), number.lock_state()), (4, 3, LockState::Free));
}
