//! Several processes use the values of one lock object, and some of them die.

use std::cell::RefCell;
use std::thread;

use rustix::process::Signal;
use shared_value::{Error, LockError, LockState, RLock, Synchronized};
use shared_value_tests::values::Account;
use shared_value_tests::{AT_ONCE, DEADLINE, end_now, eventually, fork, in_time, scaled};

use crate::Pair;

/// Without mutual exclusion, increments of several processes would be lost.
#[test]
fn processes_exclude_each_other() {
    in_time(|| {
        let pair = Pair::new();
        let rounds = scaled(20_000, 2_000);
        let children: Vec<_> = (0..4)
            .map(|number| {
                fork(|| {
                    for _ in 0..rounds {
                        if number % 2 == 0 {
                            let _guard = pair.lock.lock().unwrap();
                            pair.left.set(pair.left.get() + 1).unwrap();
                            pair.right.update(|right| right.iter_mut().for_each(|word| *word += 1)).unwrap();
                        } else {
                            let guard = pair.right.lock().unwrap();
                            pair.left.update(|left| *left += 1).unwrap();
                            let right = guard.load().unwrap();
                            guard.set(right.map(|word| word + 1)).unwrap();
                        }
                    }
                })
            })
            .collect();
        for child in children {
            child.finish();
        }
        assert_eq!(pair.values(), (i64::try_from(4 * rounds).unwrap(), 4 * rounds));
        assert_eq!(pair.versions(), (4 * rounds, 4 * rounds));
    });
}

/// The draft of a killed owner stays in the value until a thread next touches that value, which may be long after the lock
/// was taken over. It must be dropped then.
#[test]
fn the_draft_of_a_killed_owner_is_dropped_whenever_its_value_is_touched() {
    let touch: [fn(&Pair) -> u64; 7] = [
        // Touched and not written: nothing may be committed.
        |pair| {
            let failed: Result<(), Error> = pair.right.try_update(|_| Err(Error::Lock(LockError::WouldBlock)));
            assert!(matches!(failed, Err(Error::Lock(LockError::WouldBlock))));
            1
        },
        |pair| {
            let _guard = pair.lock.lock().unwrap();
            let failed: Result<(), Error> = pair.right.try_update(|_| Err(Error::Lock(LockError::WouldBlock)));
            assert!(matches!(failed, Err(Error::Lock(LockError::WouldBlock))));
            1
        },
        |pair| pair.right.update(|right| right[0]).unwrap(),
        |pair| {
            let guard = pair.right.lock().unwrap();
            guard.load().unwrap()[0]
        },
        |pair| {
            let _guard = pair.lock.lock().unwrap();
            let seen = pair.right.get()[0];
            pair.right.set([1; 20]).unwrap();
            seen
        },
        |pair| {
            pair.right.set([1; 20]).unwrap();
            1
        },
        |pair| {
            let guard = pair.right.lock().unwrap();
            guard.rollback();
            guard.commit();
            guard.load().unwrap()[0]
        },
    ];
    in_time(move || {
        for touch in touch {
            let pair = Pair::new();
            // The thread's record of touched values must end with the release.
            let guard = pair.lock.lock().unwrap();
            pair.set_both(1);
            drop(guard);
            let held = Synchronized::new(false).unwrap();
            let child = fork(|| {
                let _guard = pair.lock.lock().unwrap();
                pair.set_both(2);
                held.set(true).unwrap();
                thread::sleep(DEADLINE);
            });
            eventually("the child has written", || held.get());
            child.signal(Signal::KILL);
            child.finish_killed();

            assert!(pair.lock.lock_timeout(AT_ONCE).unwrap().recovered());
            assert_eq!(pair.values(), (1, 1));
            // These take and release the lock, and touch only the other value.
            pair.left.set(1).unwrap();
            pair.left.update(|left| *left += 1).unwrap();
            assert_eq!(pair.right.get(), [1; 20]);
            assert_eq!(touch(&pair), 1);
            assert_eq!(pair.right.get(), [1; 20]);
            let recoveries = [pair.lock.recoveries(), pair.left.recoveries(), pair.right.recoveries()];
            assert_eq!(recoveries, [1; 3], "users of setters have no guard to ask");
        }
    });
}

/// A change of one field must start from the committed value, and not from the draft of a dead owner.
#[test]
fn a_field_is_changed_in_the_committed_value() {
    in_time(|| {
        let lock = RLock::new().unwrap();
        let account = Synchronized::options().lock(&lock).new(Account::after(1)).unwrap();
        fork(|| {
            let guard = account.lock().unwrap();
            guard.set(Account::after(9)).unwrap();
            end_now(0);
        })
        .finish();
        let guard = lock.lock().unwrap();
        assert!(guard.recovered());
        account.set_balance(Account::after(2).balance).unwrap();
        drop(guard);
        assert_eq!(account.load().unwrap(), Account { balance: Account::after(2).balance, ..Account::after(1) });
    });
}

/// A process may be killed between any two instructions of its release.
#[test]
fn processes_killed_at_random_leave_every_value_whole() {
    in_time(|| {
        let pair = Pair::new();
        let kills = scaled(200, 40);
        for round in 0..kills {
            let child = fork(|| {
                loop {
                    let _guard = pair.lock.lock().unwrap();
                    let next = pair.left.get() + 1;
                    pair.left.set(next).unwrap();
                    // Word by word, so that the process can be killed in the middle.
                    pair.right.update(|right| right.iter_mut().for_each(|word| *word += 1)).unwrap();
                }
            });
            let before = pair.left.version();
            eventually("the child works", || pair.left.version() > before + round % 7);
            child.signal(Signal::KILL);
            child.finish_killed();
            let guard = pair.lock.lock_timeout(AT_ONCE).unwrap();
            let (left, right) = pair.values();
            drop(guard);
            // A release commits the left value, then the right one.
            let apart = left - i64::try_from(right).unwrap();
            assert!((0..=i64::try_from(round + 1).unwrap()).contains(&apart), "{left} and {right}");
        }
        assert!(pair.lock.recoveries() > 0);
    });
}

/// A child that owned its parent's lock would commit the parent's draft.
#[test]
fn a_forked_child_does_not_own_the_lock() {
    let pair = Pair::new();
    let guard = RefCell::new(Some(pair.lock.lock().unwrap()));
    pair.set_both(1);
    let stage = Synchronized::new(0_u32).unwrap();
    // The parent of this child has touched the values; the child has not.
    let later = fork(|| {
        eventually("another owner has died", || stage.get() == 1);
        let guard = pair.lock.lock().unwrap();
        assert!(guard.recovered());
        assert_eq!(pair.values(), (1, 1));
        pair.left.update(|left| *left += 1).unwrap();
    });
    fork(|| {
        assert!(matches!(pair.left.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
        assert_eq!(pair.values(), (0, 0), "the parent has committed nothing");
        drop(guard.take());
        assert!(matches!(pair.left.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
        // The child has other locks of its own.
        let own = Pair::new();
        own.set_both(2);
        assert_eq!((own.values(), own.versions()), ((2, 2), (1, 1)));
    })
    .finish();
    assert_eq!((pair.versions(), pair.lock.lock_state()), ((0, 0), LockState::HeldHere));
    assert_eq!(pair.values(), (1, 1));
    drop(guard);
    assert_eq!((pair.values(), pair.versions()), ((1, 1), (1, 1)));

    fork(|| {
        let _guard = pair.lock.lock().unwrap();
        pair.set_both(9);
        end_now(0);
    })
    .finish();
    stage.set(1).unwrap();
    later.finish();
    assert_eq!(pair.values(), (2, 1));
}
