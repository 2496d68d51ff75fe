//! A thread that takes a lock several times.

use std::thread;

use shared_value::{Error, LockError, LockState, Synchronized};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{SegmentName, in_time};

/// Runs the closure in another thread, and returns its result.
fn elsewhere<R: Send>(look: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(look).join().unwrap())
}

/// Without recursion the thread would wait for itself. Without a count of holds, the first drop would commit and unlock.
#[test]
fn three_holds_are_one_commit() {
    in_time(|| {
        let name = SegmentName::new("recursion");
        let handle = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
        let clone = handle.clone();
        let opened = SynchronizedAccount::open(&name).unwrap();
        let outside = |expected: Account| {
            elsewhere(|| {
                assert_eq!((opened.load().unwrap(), opened.version()), (expected, 0), "nothing is committed yet");
                assert!(matches!(opened.try_lock(), Err(Error::Lock(LockError::WouldBlock))), "the lock is held");
            });
        };

        let first = handle.lock().unwrap();
        first.set_balance(20).unwrap();
        outside(Account::after(1));
        {
            let second = clone.try_lock().unwrap();
            assert_eq!(second.balance(), 20, "the thread reads its own writes");
            second.set_deposits(2).unwrap();
            {
                let third = opened.lock_timeout(std::time::Duration::ZERO).unwrap();
                third.set_limits([2; 4]).unwrap();
                assert_eq!(handle.load().unwrap(), Account::after(2));
                assert_eq!(handle.lock_state(), LockState::HeldHere);
                clone.set_frozen(true).unwrap();
                opened.update(|account| account.frozen = !account.frozen).unwrap();
                outside(Account::after(1));
            }
            outside(Account::after(1));
            assert_eq!((first.load().unwrap(), second.load().unwrap()), (Account::after(2), Account::after(2)));
        }
        outside(Account::after(1));
        drop(first);
        assert_eq!((handle.load().unwrap(), handle.version()), (Account::after(2), 1), "one commit");
        assert_eq!(handle.lock_state(), LockState::Free);
        elsewhere(|| drop(opened.try_lock().expect("the lock is free")));
    });
}

/// Guards may be dropped in any order: only the last drop may release the lock.
#[test]
fn holds_may_end_in_any_order() {
    in_time(|| {
        let handle = SynchronizedAccount::new(Account::after(1)).unwrap();
        let first = handle.lock().unwrap();
        let second = handle.lock().unwrap();
        drop(first);
        second.set_balance(7).unwrap();
        let third = handle.lock().unwrap();
        drop(second);
        assert!(elsewhere(|| matches!(handle.try_lock(), Err(Error::Lock(LockError::WouldBlock)))));
        assert_eq!((third.balance(), handle.version()), (7, 0));
        drop(third);
        assert_eq!((handle.balance(), handle.version()), (7, 1));
    });
}

/// An explicit commit must publish all writes before it, and no later ones.
#[test]
fn commits_in_between_are_versions_of_their_own() {
    in_time(|| {
        let handle = SynchronizedAccount::new(Account::after(1)).unwrap();
        let first = handle.lock().unwrap();
        let second = handle.lock().unwrap();
        first.set_balance(20).unwrap();
        second.commit();
        assert_eq!(elsewhere(|| (handle.balance(), handle.version())), (20, 1));
        second.set_balance(30).unwrap();
        first.set_deposits(3).unwrap();
        assert_eq!(elsewhere(|| (handle.balance(), handle.deposits())), (20, 1));
        drop(second);
        first.commit();
        assert_eq!(elsewhere(|| (handle.balance(), handle.deposits(), handle.version())), (30, 3, 2));
        first.commit();
        drop(first);
        assert_eq!(handle.version(), 2, "a commit without a write changes no version");
    });
}

/// A rollback must undo all writes of this thread since its last commit, through any handle, and must keep the lock.
#[test]
fn a_rollback_returns_to_the_last_commit() {
    in_time(|| {
        let handle = SynchronizedAccount::new(Account::after(1)).unwrap();
        let first = handle.lock().unwrap();
        first.set_balance(20).unwrap();
        first.commit();
        first.set_balance(30).unwrap();
        handle.set_deposits(9).unwrap();
        handle.lock().unwrap().set_frozen(true).unwrap();
        first.rollback();
        assert_eq!(first.load().unwrap(), Account { balance: 20, ..Account::after(1) });
        first.rollback();
        assert!(
            elsewhere(|| matches!(handle.try_lock(), Err(Error::Lock(LockError::WouldBlock)))),
            "the lock is still held"
        );
        first.set_deposits(4).unwrap();
        drop(first);
        assert_eq!(handle.load().unwrap(), Account { balance: 20, deposits: 4, ..Account::after(1) });
        assert_eq!(handle.version(), 2);
    });
}

/// The draft is the slot of two commits ago: it must be brought up to date before it is written.
#[test]
fn every_draft_starts_as_the_last_commit() {
    in_time(|| {
        let handle = Synchronized::new([0_u32; 40]).unwrap();
        let mut expected = [0; 40];
        let mut random = fastrand::Rng::with_seed(5);
        for step in 1..2_000 {
            let guard = handle.lock().unwrap();
            let before = expected;
            for _ in 0..random.u32(..4) {
                let index = random.usize(..40);
                handle.set_at(index, step).unwrap();
                expected[index] = step;
            }
            assert_eq!(guard.load().unwrap(), expected);
            match random.u32(..3) {
                0 => {
                    guard.rollback();
                    expected = before;
                }
                1 => guard.commit(),
                _ => {}
            }
            drop(guard);
            assert_eq!(handle.get(), expected);
        }
    });
}

/// Each value has a lock and a count of holds of its own.
#[test]
fn locks_of_several_values_are_independent() {
    in_time(|| {
        let values: Vec<_> = (0..12).map(|number| Synchronized::new(number).unwrap()).collect();
        let mut guards: Vec<_> = values.iter().map(|value| value.lock().unwrap()).collect();
        let again: Vec<_> = values.iter().map(|value| value.lock().unwrap()).collect();
        for guard in &guards {
            let number = guard.load().unwrap();
            guard.set(number + 100).unwrap();
        }
        drop(guards.remove(6));
        drop(guards.remove(0));
        drop(again);
        let states: Vec<_> = elsewhere(|| values.iter().map(|value| value.try_lock().is_ok()).collect());
        let free: Vec<_> = (0..12).filter(|number| states[*number]).collect();
        assert_eq!(free, [0, 6]);
        drop(guards);
        assert!(elsewhere(|| values.iter().all(|value| value.try_lock().is_ok())));
        assert_eq!(values.iter().map(Synchronized::get).sum::<u64>(), 66 + 1_200);
    });
}
