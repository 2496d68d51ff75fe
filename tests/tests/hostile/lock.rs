//! A peer overwrites the lock of a value while a thread of this process holds it.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use rustix::thread::gettid;
use shared_value::{Error, LockError, LockState, Synchronized};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{DEADLINE, SegmentName, fork, in_time};

use crate::peer::{OWNER_DIED, Peer, WAITERS, WILD};

fn account(label: &str) -> (SynchronizedAccount, Peer, SegmentName) {
    let name = SegmentName::new(label);
    let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
    let peer = Peer::of(&name);
    (account, peer, name)
}

/// Asserts that this process and others can use the value again.
#[track_caller]
fn assert_usable(account: &SynchronizedAccount) {
    assert_eq!(account.lock_state(), LockState::Free);
    account.set(Account::after(5)).unwrap();
    fork(|| {
        let guard = account.try_lock().unwrap();
        assert_eq!(guard.load().unwrap(), Account::after(5));
        guard.set(Account::after(6)).unwrap();
    })
    .finish();
    assert_eq!(account.load().unwrap(), Account::after(6));
}

/// If the pointers were followed, the thread would write to an address of the peer's choice.
#[test]
fn pointers_are_not_followed() {
    in_time(|| {
        let (account, peer, _name) = account("pointers");
        let commits = account.version();
        for (number, pointer) in (1..).zip(WILD) {
            let refused = account.update(|account| {
                account.deposits += 1;
                peer.set_next(pointer);
                peer.set_previous(pointer);
            });
            assert!(matches!(refused, Err(Error::Lock(LockError::Corrupted))), "{pointer:#x}: {refused:?}");
            assert_eq!((account.deposits(), account.version()), (1 + number, commits + 2 * number - 1), "committed");
            account.update_deposits(|_| peer.set_previous(pointer)).expect("the library does not read this pointer");
        }
        assert_usable(&account);
    });
}

/// The drop of a guard returns no error, so a guard must go on as if the lock were intact.
#[test]
fn guards_survive() {
    in_time(|| {
        let (account, peer, _name) = account("guards");
        for pointer in WILD {
            for word in [0, 1, OWNER_DIED, WAITERS, u32::MAX] {
                account.set(Account::after(1)).unwrap();
                let guard = account.lock().unwrap();
                let inner = account.lock().unwrap();
                peer.set_next(pointer);
                peer.set_lock_word(word);
                inner.set_balance(7).unwrap();
                account.set_deposits(8).expect("this thread holds the lock, whatever the word says");
                drop(inner);
                guard.commit();
                guard.set_balance(9).unwrap();
                guard.rollback();
                assert_eq!((guard.balance(), guard.deposits()), (7, 8));
                assert_eq!(account.lock_state(), LockState::HeldHere);
                assert!(format!("{guard:?}").contains("balance: 7"));
                drop(guard);
                assert_ne!(account.lock_state(), LockState::HeldHere);
                // The peer releases the lock.
                peer.set_lock_word(0);
                assert_eq!((account.balance(), account.deposits()), (7, 8));
            }
        }
        assert_usable(&account);
    });
}

/// If the word names another owner when this thread releases the lock, that owner must keep it.
#[test]
fn a_word_of_another_owner_is_not_overwritten() {
    in_time(|| {
        let (account, peer, _name) = account("words");
        let id = gettid().as_raw_pid().unsigned_abs();
        let stranger = if id == 1 { 2 } else { 1 };
        // The word; whether it names this thread as the owner; whether the lock is held after the release.
        let words = [
            (0, false, false),
            (WAITERS, false, false),
            (OWNER_DIED, false, false),
            (OWNER_DIED | WAITERS, false, false),
            (stranger, false, true),
            (stranger | WAITERS, false, true),
            (stranger | OWNER_DIED, false, true),
            (id | OWNER_DIED, true, false),
            (id | WAITERS, true, false),
            (id | OWNER_DIED | WAITERS, true, false),
        ];
        for (number, (word, is_ours, is_held)) in words.into_iter().enumerate() {
            let released = account.update(|account| {
                *account = Account::after(2);
                peer.set_lock_word(word);
            });
            match released {
                Ok(()) => assert!(is_ours, "word {number}"),
                Err(Error::Lock(LockError::Corrupted)) => assert!(!is_ours, "word {number}"),
                Err(error) => panic!("word {number}: {error:?}"),
            }
            assert_eq!(account.load().unwrap(), Account::after(2), "word {number}");
            assert_eq!(peer.lock_word(), if is_ours { 0 } else { word }, "word {number}");
            match account.try_lock() {
                Ok(guard) => assert_eq!((is_held, guard.recovered()), (false, word & OWNER_DIED != 0 && !is_ours)),
                Err(Error::Lock(LockError::WouldBlock)) => assert!(is_held, "word {number}"),
                Err(error) => panic!("word {number}: {error:?}"),
            }
            peer.set_lock_word(0);
            assert_usable(&account);
        }
    });
}

/// The commits of a thread whose lock was overwritten stand, so the threads that wait for them must be woken.
#[test]
fn an_overwritten_lock_does_not_keep_waiters_asleep() {
    in_time(|| {
        let (account, peer, _name) = account("overwritten");
        let waiting = 1;
        let change = |what: &str, change: &dyn Fn() -> Result<(), Error>| {
            peer.set_signal(waiting);
            let before = account.version();
            assert!(matches!(change(), Err(Error::Lock(LockError::Corrupted)) | Ok(())), "{what}");
            assert_eq!(account.version(), before + 1, "{what}: the commit stands");
            assert_ne!(peer.signal(), waiting, "{what}: the sleepers were not woken");
            peer.set_lock_word(0);
            assert_usable(&account);
        };
        change("an update", &|| account.update_balance(|_| peer.set_lock_word(WAITERS)));
        change("a guard", &|| {
            let guard = account.lock()?;
            guard.set_balance(7)?;
            peer.set_lock_word(WAITERS);
            Ok(())
        });
        change("an update beside another lock", &|| {
            let other = Synchronized::new(0_u64)?;
            let _guard = other.lock()?;
            account.update_balance(|_| peer.set_lock_word(WAITERS))
        });
    });
}

/// A setter runs no code of the caller under the lock, so only a peer that writes all the time can hit it.
#[test]
fn setters_report_an_overwritten_lock_too() {
    in_time(|| {
        let (account, peer, _name) = account("setters");
        let (stop, start) = (AtomicBool::new(false), Instant::now());
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Relaxed) && start.elapsed() < DEADLINE {
                    peer.set_next(1);
                    peer.set_lock_word(0);
                }
            });
            let mut corrupted = 0;
            while corrupted < 10 {
                match account.set_balance(1) {
                    Ok(()) => {}
                    Err(Error::Lock(LockError::Corrupted)) => corrupted += 1,
                    Err(error) => panic!("{error:?}"),
                }
            }
            stop.store(true, Relaxed);
        });
        assert_usable(&account);
    });
}

/// A peer that frees the lock can make two threads of one process believe that they hold it: both must be able to go on.
#[test]
fn two_owners_can_go_on() {
    in_time(|| {
        let (account, peer, _name) = account("two");
        let first = account.lock().unwrap();
        peer.set_lock_word(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                let second = account.try_lock().expect("the lock looks free");
                second.set_balance(3).unwrap();
                thread::scope(|scope| {
                    scope.spawn(|| assert!(matches!(account.try_lock(), Err(Error::Lock(LockError::WouldBlock)))));
                });
                assert_eq!(account.lock_state(), LockState::HeldHere);
            });
        });
        assert_eq!(account.lock_state(), LockState::HeldHere);
        drop(first);
        assert_usable(&account);
    });
}

/// A pointer in one lock must not let a peer release another, which it cannot write.
#[test]
fn a_pointer_to_another_lock_does_not_release_it() {
    in_time(|| {
        let (account, peer, _name) = account("crossed");
        let other = Synchronized::new(1_u64).unwrap();
        let other_guard = other.lock().unwrap();
        let node = {
            let _account = account.lock().unwrap();
            peer.next()
        };
        let released = account.update(|_| peer.set_next(node - 32));
        assert!(matches!(released, Err(Error::Lock(LockError::Corrupted))), "{released:?}");
        fork(|| assert!(matches!(other.try_lock(), Err(Error::Lock(LockError::WouldBlock))))).finish();
        assert_eq!(other.lock_state(), LockState::HeldHere);
        drop(other_guard);
        fork(|| drop(other.try_lock().unwrap())).finish();
        assert_usable(&account);
    });
}
