//! Panics under the lock.

use std::hint::black_box;
use std::panic::{self, AssertUnwindSafe};
use std::thread;

use shared_value::Error;
use shared_value_tests::in_time;
use shared_value_tests::values::{Account, SynchronizedAccount};

/// Runs what panics, in this thread.
fn caught(body: impl FnOnce()) {
    panic::catch_unwind(AssertUnwindSafe(body)).expect_err("it panics");
}

/// The lock must be free for another thread.
#[track_caller]
fn assert_free(account: &SynchronizedAccount) {
    thread::scope(|scope| {
        let other = scope.spawn(|| account.try_lock().map(|guard| guard.recovered()));
        assert!(matches!(other.join().unwrap(), Ok(false)), "{account:?}");
    });
}

/// If `update` wrote in place, a panic in its closure would leave what it had half changed.
#[test]
fn a_panic_in_an_update_changes_nothing() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        caught(|| {
            account
                .update(|account| {
                    account.balance = 5;
                    panic!("in the middle");
                })
                .unwrap();
        });
        assert_eq!((account.load().unwrap(), account.version()), (Account::after(1), 0));
        assert_free(&account);
        caught(|| account.update_limits(|limits| limits[black_box(4)] = 5).unwrap());
        assert_eq!(account.load().unwrap(), Account::after(1));
        assert_free(&account);
    });
}

/// Without a rollback in the guard's destructor, unwinding would commit what is half written.
#[test]
fn a_panic_under_a_guard_rolls_back() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        caught(|| {
            let guard = account.lock().unwrap();
            guard.set_balance(5);
            account.set_frozen(true).unwrap();
            panic!("in the middle");
        });
        assert_eq!((account.load().unwrap(), account.version()), (Account::after(1), 0));
        assert_free(&account);

        caught(|| {
            let mut guard = account.lock().unwrap();
            guard.store(Account::after(2));
            guard.commit();
            guard.set_balance(5);
            panic!("in the middle");
        });
        assert_eq!((account.load().unwrap(), account.version()), (Account::after(2), 1), "what was committed stands");
        assert_free(&account);
    });
}

/// A caught panic that unwound through an inner guard must not let the outer one commit half of its work.
#[test]
fn a_panic_under_an_inner_guard_rolls_back_everything_uncommitted() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let mut outer = account.lock().unwrap();
        outer.set_deposits(100);
        outer.commit();
        outer.set_deposits(200);
        caught(|| {
            let inner = account.lock().unwrap();
            inner.set_balance(5);
            assert_eq!((outer.balance(), outer.deposits()), (5, 200));
            panic!("in the middle");
        });
        assert!(matches!(account.set_frozen(true), Err(Error::Unwound)), "nothing is written on top of half a change");
        caught(|| outer.set_frozen(true));
        caught(|| outer.commit());
        outer.rollback();
        assert_eq!((outer.balance(), outer.deposits()), (10, 100), "the outer guard sees the last commit");
        assert_eq!(account.version(), 1, "and still holds the lock");
        outer.set_frozen(true);
        drop(outer);
        assert_eq!(account.load().unwrap(), Account { deposits: 100, frozen: true, ..Account::after(1) });
        assert_free(&account);
    });
}

/// An `update` that panics has written nothing, so there is no reason to take back what its caller wrote.
#[test]
fn a_panic_in_an_update_under_a_guard_keeps_the_guards_writes() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let mut outer = account.lock().unwrap();
        outer.set_deposits(100);
        caught(|| account.update_balance(|_| panic!("in the middle")).unwrap());
        assert_eq!(outer.deposits(), 100);
        caught(|| drop(account.lock().unwrap().update(|_| panic!("in the middle"))));
        assert!(matches!(account.set_deposits(300), Err(Error::Unwound)), "the inner guard was unwound");
        outer.rollback();
        assert_eq!(outer.deposits(), 1);
        outer.set_deposits(300);
        caught(|| account.update_balance(|_| panic!("in the middle")).unwrap());
        drop(outer);
        assert_eq!(account.load().unwrap(), Account { deposits: 300, ..Account::after(1) });
        assert_free(&account);
    });
}

/// A panic must not roll back what a destructor that it runs does on purpose, such as counting failures.
#[test]
fn a_guard_taken_while_unwinding_commits() {
    in_time(|| {
        struct CountsFailure<'a>(&'a SynchronizedAccount);
        impl Drop for CountsFailure<'_> {
            fn drop(&mut self) {
                let guard = self.0.lock().unwrap();
                let failures = guard.deposits() + 1;
                guard.set_deposits(failures);
                drop(guard);
                self.0.update_balance(|balance| *balance -= 1).unwrap();
            }
        }
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        caught(|| {
            let _counts = CountsFailure(&account);
            panic!("in the middle");
        });
        assert_eq!((account.deposits(), account.balance()), (2, 9));
        assert_free(&account);
    });
}

/// Panics of several threads, one after another, must not poison the lock as those of the standard library do.
#[test]
fn a_thread_that_panics_poisons_nothing() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        for _ in 0..3 {
            let panicked = thread::scope(|scope| {
                scope
                    .spawn(|| {
                        let guard = account.lock().unwrap();
                        guard.set_balance(5);
                        panic!("in the middle");
                    })
                    .join()
            });
            assert!(panicked.is_err());
            assert_free(&account);
        }
        assert_eq!((account.load().unwrap(), account.recoveries()), (Account::after(1), 0));
    });
}
