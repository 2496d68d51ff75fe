//! Panics while the lock is held.

use std::hint::black_box;
use std::panic::{self, AssertUnwindSafe};
use std::thread;

use shared_value::Error;
use shared_value_tests::in_time;
use shared_value_tests::values::{Account, SynchronizedAccount};

/// Runs a closure that panics, in this thread.
fn caught(body: impl FnOnce()) {
    panic::catch_unwind(AssertUnwindSafe(body)).expect_err("it panics");
}

/// Asserts that another thread gets the lock, and that no owner died.
#[track_caller]
fn assert_free(account: &SynchronizedAccount) {
    thread::scope(|scope| {
        let other = scope.spawn(|| account.try_lock().map(|guard| guard.recovered()));
        assert!(matches!(other.join().unwrap(), Ok(false)), "{account:?}");
    });
}

/// If `update` wrote in place, a panic in its closure would leave a half-changed value.
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

/// Without a rollback in the guard's destructor, unwinding would commit a half-written value.
#[test]
fn a_panic_under_a_guard_rolls_back() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        caught(|| {
            let guard = account.lock().unwrap();
            guard.set_balance(5).unwrap();
            account.set_frozen(true).unwrap();
            panic!("in the middle");
        });
        assert_eq!((account.load().unwrap(), account.version()), (Account::after(1), 0));
        assert_free(&account);

        caught(|| {
            let guard = account.lock().unwrap();
            guard.set(Account::after(2)).unwrap();
            guard.commit();
            guard.set_balance(5).unwrap();
            panic!("in the middle");
        });
        assert_eq!((account.load().unwrap(), account.version()), (Account::after(2), 1), "the commit stands");
        assert_free(&account);
    });
}

/// If a panic passes through an inner guard and is caught, the outer guard must not commit half of a change.
#[test]
fn a_panic_under_an_inner_guard_bars_the_value() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let outer = account.lock().unwrap();
        outer.set_deposits(100).unwrap();
        outer.commit();
        outer.set_deposits(200).unwrap();
        caught(|| {
            let inner = account.lock().unwrap();
            inner.set_balance(5).unwrap();
            assert_eq!((outer.balance(), outer.deposits()), (5, 200));
            panic!("in the middle");
        });
        for refused in [
            account.set_frozen(true),
            account.update(|_| panic!("the closure must not run")),
            account.lock().unwrap().set_frozen(true),
            outer.set_frozen(true),
            outer.set(Account::after(3)),
            outer.in_limits().set_at(0, 1),
            outer.update(|_| panic!("the closure must not run")),
            outer.update_balance(|_| panic!("the closure must not run")),
        ] {
            assert!(matches!(refused, Err(Error::Unwound)), "{refused:?}");
        }
        caught(|| outer.commit());
        assert_eq!(outer.deposits(), 200, "reading goes on");
        outer.rollback();
        assert_eq!((outer.balance(), outer.deposits()), (10, 100), "the outer guard sees the last commit");
        assert_eq!(account.version(), 1, "the outer guard still holds the lock");
        outer.set_frozen(true).unwrap();
        drop(outer);
        assert_eq!(account.load().unwrap(), Account { deposits: 100, frozen: true, ..Account::after(1) });
        assert_free(&account);
    });
}

/// An `update` that panics has written nothing, so the writes of its caller must stay.
#[test]
fn a_panic_in_an_update_under_a_guard_keeps_the_guards_writes() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let outer = account.lock().unwrap();
        outer.set_deposits(100).unwrap();
        caught(|| account.update_balance(|_| panic!("in the middle")).unwrap());
        assert_eq!(outer.deposits(), 100);
        caught(|| drop(account.lock().unwrap().update(|_| panic!("in the middle"))));
        assert!(matches!(account.set_deposits(300), Err(Error::Unwound)), "the inner guard was unwound");
        outer.rollback();
        assert_eq!(outer.deposits(), 1);
        outer.set_deposits(300).unwrap();
        caught(|| account.update_balance(|_| panic!("in the middle")).unwrap());
        drop(outer);
        assert_eq!(account.load().unwrap(), Account { deposits: 300, ..Account::after(1) });
        assert_free(&account);
    });
}

/// A destructor that runs because of a panic, and for example counts failures, must be able to commit.
#[test]
fn a_guard_taken_while_unwinding_commits() {
    in_time(|| {
        struct CountsFailure<'a>(&'a SynchronizedAccount);
        impl Drop for CountsFailure<'_> {
            fn drop(&mut self) {
                let guard = self.0.lock().unwrap();
                let failures = guard.deposits() + 1;
                guard.set_deposits(failures).unwrap();
                guard.commit();
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

/// Runs a closure in the destructor of a value that a panic drops.
fn while_unwinding(body: impl FnOnce()) {
    struct Runs<F: FnOnce()>(Option<F>);
    impl<F: FnOnce()> Drop for Runs<F> {
        fn drop(&mut self) {
            self.0.take().expect("it is dropped once")();
        }
    }
    caught(|| {
        let _runs = Runs(Some(body));
        panic!("in the middle");
    });
}

/// A panic in a destructor that runs because of a panic looks the same as the first panic alone. If the guard's drop took it
/// for the end of the destructor, half a change would be committed.
#[test]
fn a_second_panic_under_a_guard_taken_while_unwinding_rolls_back() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        while_unwinding(|| {
            caught(|| {
                let guard = account.lock().unwrap();
                guard.set_deposits(7).unwrap();
                guard.commit();
                guard.set_balance(5).unwrap();
                panic!("in the destructor");
            });
            assert_free(&account);
        });
        assert_eq!(account.load().unwrap(), Account { deposits: 7, ..Account::after(1) });

        let lock = shared_value::RLock::new().unwrap();
        let guarded = shared_value::Synchronized::options().lock(&lock).new([0_u64; 2]).unwrap();
        while_unwinding(|| {
            caught(|| {
                let _guard = lock.lock().unwrap();
                guarded.set_at(0, 1).unwrap();
                panic!("in the destructor");
            });
        });
        assert_eq!(guarded.get(), [0, 0]);
    });
}

/// The end of a destructor looks like a second panic in it, so a guard that is dropped there without a commit must
/// roll back too.
#[test]
fn a_guard_taken_while_unwinding_commits_only_by_commit() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        while_unwinding(|| {
            let guard = account.lock().unwrap();
            guard.set_balance(5).unwrap();
        });
        assert_eq!(account.load().unwrap(), Account::after(1));
        // A setter is whole in itself.
        while_unwinding(|| account.set_balance(5).unwrap());
        assert_eq!(account.balance(), 5);

        // Half a change must not become a part of what an outer guard commits.
        let outer = account.lock().unwrap();
        outer.set_deposits(8).unwrap();
        outer.commit();
        while_unwinding(|| drop(account.lock().unwrap()));
        while_unwinding(|| {
            let guard = account.lock().unwrap();
            guard.set_balance(6).unwrap();
            guard.commit();
        });
        outer.set_deposits(9).unwrap();
        outer.commit();
        while_unwinding(|| drop(account.lock().unwrap().set_balance(7)));
        assert!(matches!(outer.set_deposits(10), Err(Error::Unwound)));
        outer.rollback();
        outer.set_frozen(true).unwrap();
        drop(outer);
        assert_eq!(account.load().unwrap(), Account { balance: 6, deposits: 9, frozen: true, ..Account::after(1) });
        assert_free(&account);

        // A transaction commits when its closure returns `Ok`.
        let arena = shared_value::Arena::new(1 << 16).unwrap();
        let (one, other) = (arena.insert("one", 1_u64).unwrap(), arena.insert("other", 2_u64).unwrap());
        while_unwinding(|| {
            let done = arena.transaction(|tx| {
                tx.lock(&one)?.set(10)?;
                tx.lock(&other)?.set(20)
            });
            done.unwrap();
        });
        assert_eq!((one.get(), other.get()), (10, 20));
    });
}

/// A panic must not poison the lock, as it poisons a mutex of the standard library.
#[test]
fn a_thread_that_panics_poisons_nothing() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        for _ in 0..3 {
            let panicked = thread::scope(|scope| {
                scope
                    .spawn(|| {
                        let guard = account.lock().unwrap();
                        guard.set_balance(5).unwrap();
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
