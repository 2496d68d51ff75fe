//! Updates whose closure fails.

use shared_value::Error;
use shared_value_tests::in_time;
use shared_value_tests::values::{Account, SynchronizedAccount};

/// Why an account cannot be changed.
#[derive(Debug, PartialEq)]
enum Refusal {
    NotEnough,
    Shared(String),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Shared(error.to_string())
    }
}

/// If the changes of a failed closure were written, every caller would have to undo them.
#[test]
fn an_update_that_fails_changes_nothing() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let withdraw = |amount: i64| {
            account.try_update(|account| {
                account.balance -= amount;
                if account.balance < 0 { Err(Refusal::NotEnough) } else { Ok(account.balance) }
            })
        };
        assert_eq!(withdraw(11), Err(Refusal::NotEnough));
        assert_eq!((account.load().unwrap(), account.version()), (Account::after(1), 0));
        assert_eq!(withdraw(3), Ok(7));
        assert_eq!((account.balance(), account.version()), (7, 1));
        let nested = account.update(|_| withdraw(1)).unwrap();
        assert_eq!(nested, Err(Refusal::Shared(Error::Borrowed.to_string())));
        assert_eq!(account.balance(), 7);
    });
}

/// A failed update under a guard must undo its own changes only.
#[test]
fn an_update_that_fails_under_a_guard_keeps_the_guards_writes() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let guard = account.lock().unwrap();
        guard.set_deposits(100).unwrap();
        let result = guard.try_update(|account| {
            account.balance = 0;
            Err::<(), _>(Refusal::NotEnough)
        });
        assert_eq!(result, Err(Refusal::NotEnough));
        assert_eq!(guard.load().unwrap(), Account { deposits: 100, ..Account::after(1) });
        drop(guard);
        assert_eq!(account.load().unwrap(), Account { deposits: 100, ..Account::after(1) });
    });
}
