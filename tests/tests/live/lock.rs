//! The lock of a live value: holds of guards, holds without guards, and owners that die.

use std::thread;

use shared_value::{Arena, Error, Live, LockError, LockKind, LockState, interruptible};
use shared_value_tests::{DEADLINE, SHORT, fork, in_time};

use crate::poke;

fn is_not_held(result: &Result<(), Error>) -> bool {
    matches!(result, Err(Error::Lock(LockError::NotHeld)))
}

fn in_another_thread<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(work).join().unwrap())
}

/// A value of each kind, of 16 bytes.
fn values() -> [Live<[u64; 2]>; 3] {
    let arena = Arena::new(1 << 20).unwrap();
    [
        Live::new([1, 2]).unwrap(),
        Live::options().lock_kind(LockKind::Pthread).new([1, 2]).unwrap(),
        Live::alloc(&arena, [1, 2]).unwrap(),
    ]
}

/// Without this, holds of an interpreter would end too early, or never, or in the wrong thread.
#[test]
fn holds_end_in_any_order() {
    in_time(|| {
        for value in values() {
            assert!(is_not_held(&value.release()) && value.depth() == 0);
            let first = value.lock().unwrap();
            value.lock_timeout(SHORT).unwrap().keep();
            let third = value.try_lock().unwrap();
            assert_eq!((value.depth(), value.lock_state(), third.recovered()), (3, LockState::HeldHere, false));
            drop(first);
            drop(third);
            assert_eq!(value.depth(), 1);
            in_another_thread(|| {
                assert!(is_not_held(&value.release()) && value.depth() == 0);
                assert!(matches!(value.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
                assert!(matches!(value.lock_timeout(SHORT), Err(Error::Lock(LockError::TimedOut))));
            });
            fork(|| {
                assert!(is_not_held(&value.release()) && value.depth() == 0);
                assert!(matches!(value.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
            })
            .finish();
            value.set([3, 4]).unwrap();
            assert_eq!(value.depth(), 1, "a write does not end a hold");
            value.release().unwrap();
            assert!(is_not_held(&value.release()));
            assert_eq!(
                in_another_thread(|| value.update(|[one, other]| *one += *other).map(|()| value.get())).unwrap(),
                [7, 4]
            );

            // A hold that `release` has ended is not ended again by its guard.
            let guard = value.lock().unwrap();
            value.release().unwrap();
            assert!(in_another_thread(|| value.try_lock().is_ok()));
            drop(guard);
            assert_eq!((value.depth(), value.lock_state(), value.recoveries()), (0, LockState::Free, 0));
        }
    });
}

/// In a forked child, a guard of the parent must end nothing: the lock is the parent's.
#[test]
fn guards_hold_nothing_in_a_forked_child() {
    for value in values() {
        let guard = value.lock().unwrap();
        let mut inherited = Some(guard);
        fork(|| {
            drop(inherited.take());
            assert!(matches!(value.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
        })
        .finish();
        assert_eq!(value.depth(), 1);
        drop(inherited);
        assert_eq!(value.lock_state(), LockState::Free);
    }
}

/// A killed owner must leave a free lock, what it has written, and the news of its death.
#[test]
fn the_next_owner_of_a_killed_one_learns_of_it() {
    in_time(|| {
        for value in values() {
            let child = fork(|| {
                value.lock().unwrap().keep();
                poke(&value, 0, 8);
                rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
            });
            child.finish_killed();
            let guard = value.lock_timeout(DEADLINE).unwrap();
            assert!(guard.recovered());
            assert_eq!((value.get(), value.recoveries()), ([8, 2], 1), "what was written stays");
            drop(guard);
            assert!(!value.lock().unwrap().recovered());

            // A thread that ends with the lock.
            in_another_thread(|| value.lock().unwrap().keep());
            assert!(value.lock().unwrap().recovered());
        }
    });
}

/// A lock that is not recursive must refuse the thread that holds it, by each handle of the value; writes go on.
#[test]
fn a_lock_may_be_taken_once() {
    let arena = Arena::new(1 << 20).unwrap();
    let once = || Live::<[u64; 2]>::options().non_recursive();
    for value in [
        once().new([1, 2]).unwrap(),
        once().lock_kind(LockKind::Pthread).new([1, 2]).unwrap(),
        once().alloc(&arena, [1, 2]).unwrap(),
        once().insert(&arena, "key", [1, 2]).unwrap(),
    ] {
        let is_pthread = Live::<[u64; 2]>::open(value.token().unwrap()).is_err();
        let options = if is_pthread { Live::options().lock_kind(LockKind::Pthread) } else { Live::options() };
        let same: Live<[u64; 2]> = options.open(value.token().unwrap()).unwrap();
        let refused = |value: &Live<[u64; 2]>| {
            [value.lock().map(drop), value.try_lock().map(drop), value.lock_timeout(SHORT).map(drop)]
                .iter()
                .all(|taken| matches!(taken, Err(Error::Lock(LockError::AlreadyHeld))))
        };
        let guard = value.lock().unwrap();
        assert!(refused(&value) && refused(&same));
        assert_eq!((value.depth(), same.depth()), (1, 1));
        same.set([3, 4]).unwrap();
        value.update(|[one, _]| *one = 5).unwrap();
        drop(guard);
        assert_eq!((value.get(), value.depth()), ([5, 4], 0));
        same.lock().unwrap().keep();
        value.release().unwrap();
        assert!(options.non_recursive().open(value.token().unwrap()).is_ok());
    }
    let recursive = Live::alloc(&arena, [1_u64, 2]).unwrap();
    let error = once().open(recursive.token().unwrap()).unwrap_err();
    assert!(error.to_string().contains("open it without `non_recursive`"), "{error}");
    assert!(Live::<[u64; 2]>::options().non_recursive().open(Live::new([1_u64, 2]).unwrap().token().unwrap()).is_err());
    let pthread = Live::options().lock_kind(LockKind::Pthread).alloc(&arena, 1_u64).unwrap_err();
    assert!(matches!(pthread, Error::Unsupported { .. }));
}

/// Two processes that change the value under the lock must not undo each other's changes.
#[test]
fn processes_exclude_each_other() {
    const ROUNDS: u64 = 20_000;
    for value in values() {
        let add = || {
            for _ in 0..ROUNDS {
                let guard = value.lock().unwrap();
                let [one, other] = value.get();
                poke(&value, 0, one + 1);
                poke(&value, 1, other + 1);
                drop(guard);
            }
        };
        let child = fork(add);
        add();
        child.finish();
        assert_eq!(value.get(), [1 + 2 * ROUNDS, 2 + 2 * ROUNDS]);
    }
}

/// A wait in an interpreter must end when it is told to.
#[test]
fn a_wait_can_be_interrupted() {
    let value = Live::new(1_u64).unwrap();
    let guard = value.lock().unwrap();
    in_another_thread(|| {
        let taken = interruptible(|| value.lock_timeout(SHORT).map(drop));
        assert!(matches!(taken, Err(Error::Lock(LockError::TimedOut))));
    });
    drop(guard);
}
