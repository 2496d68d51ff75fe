//! Changes of a value inside of its own `update`.

use std::panic::{self, AssertUnwindSafe};

use shared_value::{Error, LockState, Synchronized};
use shared_value_tests::in_time;
use shared_value_tests::values::{Account, AccountGuard, SynchronizedAccount};

/// A write to the value, through a guard of its own.
type Write = fn(&SynchronizedAccount) -> Result<(), Error>;

/// Without the borrow mark, the result of the closure would overwrite the other write.
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
                    assert!(matches!(handle.in_limits().set_at(0, 1), Err(Error::Borrowed)));
                    assert!(matches!(handle.set(Account::after(3)), Err(Error::Borrowed)));
                    assert!(matches!(handle.update_deposits(|deposits| *deposits += 1), Err(Error::Borrowed)));
                    assert!(matches!(handle.update(|value| value.balance = 1), Err(Error::Borrowed)));
                }
            })
            .unwrap();
        assert_eq!(account.load().unwrap(), Account { balance: 20, ..Account::after(1) });
        assert_eq!(account.version(), 1);

        // The update of one field borrows the whole value, so another field cannot be written either.
        let result = account.update_balance(|balance| {
            *balance += 1;
            account.set_deposits(9)
        });
        assert!(matches!(result, Ok(Err(Error::Borrowed))), "{result:?}");
        assert_eq!((account.balance(), account.deposits()), (21, 1));
        assert_eq!(Error::Borrowed.to_string(), result.unwrap().unwrap_err().to_string());

        account.set_balance(7).expect("the borrow has ended");
        assert_eq!(account.balance(), 7);
    });
}

/// Without the borrow mark, a write through a guard would be lost without an error.
#[test]
fn a_write_through_another_guard_is_refused() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let writes: [Write; 7] = [
            |account| account.lock()?.set_balance(1),
            |account| account.lock()?.in_limits().set_at(0, 1),
            |account| account.lock()?.set(Account::after(3)),
            |account| account.lock()?.copy_from(&Account::after(3)),
            |account| account.lock()?.update_frozen(|_| panic!("the closure must not run")),
            |account| account.lock()?.update(|_| panic!("the closure must not run")),
            |account| account.lock()?.try_update(|_| panic!("the closure must not run")),
        ];
        for write in writes {
            account
                .update(|value| {
                    value.deposits += 1;
                    let refused = write(&account);
                    assert!(matches!(refused, Err(Error::Borrowed)), "{refused:?}");
                })
                .expect("the error stayed inside of the closure");
        }
        assert_eq!(account.load().unwrap(), Account { deposits: 8, ..Account::after(1) });
        assert_eq!(account.version(), 7, "each update is one commit");
    });
}

/// `commit` and `rollback` return nothing, so a misuse of theirs panics: a commit would publish a value without the result
/// of the closure, a rollback would forget what the closure has read.
#[test]
fn commit_and_rollback_in_an_update_panic() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let ends: [fn(&AccountGuard<'_>); 2] = [|guard| guard.commit(), |guard| guard.rollback()];
        for end in ends {
            account
                .update(|value| {
                    value.deposits += 1;
                    let guard = account.lock().unwrap();
                    let panicked = panic::catch_unwind(AssertUnwindSafe(|| end(&guard))).unwrap_err();
                    let message = panicked.downcast_ref::<String>().expect("a message");
                    assert_eq!(*message, Error::Borrowed.to_string());
                })
                .expect("the closure has caught the panic");
        }
        assert_eq!((account.deposits(), account.version()), (3, 2));
    });
}

/// The closure of a guard's `update_x` may use the guard, so only the borrow mark can refuse its writes.
#[test]
fn a_write_through_the_same_guard_is_refused() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let guard = account.lock().unwrap();
        guard
            .update_balance(|balance| {
                *balance += guard.balance();
                assert!(matches!(guard.set_deposits(9), Err(Error::Borrowed)));
                assert!(matches!(guard.in_limits().set_at(0, 9), Err(Error::Borrowed)));
            })
            .unwrap();
        let refused = guard.update_balance(|_| guard.set_frozen(true)).expect("the outer update goes on");
        assert!(matches!(refused, Err(Error::Borrowed)), "{refused:?}");
        guard.set_deposits(guard.deposits() + 1).unwrap();
        drop(guard);
        let expected = Account { balance: 20, deposits: 2, ..Account::after(1) };
        assert_eq!((account.load().unwrap(), account.version()), (expected, 1));
    });
}

/// If reads failed inside of an `update`, its closure could not look at the value that it is about to replace.
#[test]
fn reads_see_the_value_before_the_closure() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let guard = account.lock().unwrap();
        guard.set_frozen(true).unwrap();
        guard
            .update(|value| {
                value.balance = 99;
                assert_eq!(account.balance(), 10, "the closure's changes are not written yet");
                assert!(account.frozen(), "this thread sees its own writes");
                assert_eq!(account.load().unwrap(), Account { frozen: true, ..Account::after(1) });
                assert_eq!(account.in_limits().at(3), 1);
                let again = account.lock().expect("the lock is recursive");
                assert_eq!(again.balance(), 10);
                account.requests().fetch_add(1);
            })
            .unwrap();
        assert_eq!((guard.balance(), guard.requests().load()), (99, 1));
    });
}

/// If the borrow mark outlived its `update`, this thread could not write the value any more.
#[test]
fn a_panic_in_the_closure_ends_the_borrow() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let outer = account.lock().unwrap();
        let panicked = panic::catch_unwind(AssertUnwindSafe(|| account.update(|_| panic!("in the middle"))));
        assert!(panicked.is_err());
        account.set_balance(5).expect("the borrow has ended");
        drop(outer);
        assert_eq!(account.balance(), 5);
    });
}

/// The borrow must end with the closure, also if the closure returns a guard, which keeps the lock.
#[test]
fn a_guard_that_leaves_an_update_can_write() {
    let number = Synchronized::new(0_u64).unwrap();
    // The first lock of a thread takes another path.
    number.set(1).unwrap();
    let guard = number
        .update(|number_of_now| {
            *number_of_now += 1;
            number.lock().unwrap()
        })
        .unwrap();
    assert_eq!((number.get(), number.version()), (2, 2));
    guard.set(3).unwrap();
    number.update(|number| *number += 1).unwrap();
    assert_eq!((number.get(), number.version()), (4, 2));
    drop(guard);
    assert_eq!((number.get(), number.version(), number.lock_state()), (4, 3, LockState::Free));
}
