//! `LockError`: one variant for each reason, and a text that says what to do.

use std::error::Error as _;
use std::thread;

use shared_value::{Arena, DynValue, Error, Lock, LockError, LockKind, RLock, SharedArray, Synchronized};
use shared_value_tests::{DEADLINE, SHORT, SegmentName, fork, in_time};

use crate::worker;

/// Runs the closure in another thread, which holds no lock.
fn elsewhere<R: Send>(attempt: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(attempt).join().unwrap())
}

/// The variant is all that a program can decide by.
#[track_caller]
fn assert_is<R: std::fmt::Debug>(result: Result<R, Error>, expected: LockError) {
    match result {
        Err(Error::Lock(error)) => assert_eq!(error, expected),
        other => panic!("{other:?} instead of {expected:?}"),
    }
}

/// A program that tries again must tell a held lock from every other error, whatever the lock guards.
#[test]
fn a_held_lock_would_block_or_times_out() {
    in_time(|| {
        let (number, array) = (Synchronized::new(1_u64).unwrap(), SharedArray::new(&[1_u8, 2]).unwrap());
        let dynamic = DynValue::open(number.token().unwrap()).unwrap();
        let (recursive, lock) = (RLock::new().unwrap(), Lock::new().unwrap());
        let guarded = Synchronized::options().lock(&lock).new(1_u64).unwrap();
        let held = (number.lock().unwrap(), array.lock().unwrap(), recursive.lock().unwrap(), lock.lock().unwrap());
        elsewhere(|| {
            assert_is(number.try_lock(), LockError::WouldBlock);
            assert_is(array.try_lock(), LockError::WouldBlock);
            assert_is(dynamic.try_lock(), LockError::WouldBlock);
            assert_is(recursive.try_lock(), LockError::WouldBlock);
            assert_is(lock.try_lock(), LockError::WouldBlock);
            assert_is(guarded.try_lock(), LockError::WouldBlock);
            assert_is(number.lock_timeout(SHORT), LockError::TimedOut);
            assert_is(array.lock_timeout(SHORT), LockError::TimedOut);
            assert_is(dynamic.lock_timeout(SHORT), LockError::TimedOut);
            assert_is(recursive.lock_timeout(SHORT), LockError::TimedOut);
            assert_is(lock.lock_timeout(SHORT), LockError::TimedOut);
            assert_is(guarded.lock_timeout(SHORT), LockError::TimedOut);
            // A wait for a change takes no lock, and its timeout is another error.
            assert!(matches!(number.wait_for(|number| *number == 2, SHORT), Err(Error::TimedOut { .. })));
        });
        drop(held);
    });
}

/// The owner of a lock that is not recursive must get an error where it would otherwise wait for itself.
#[test]
fn a_lock_that_is_not_recursive_is_already_held() {
    in_time(|| {
        let lock = Lock::new().unwrap();
        let number = Synchronized::options().lock(&lock).new(1_u64).unwrap();
        let array = SharedArray::options().lock(&lock).new(&[1_u8, 2]).unwrap();
        let held = lock.lock().unwrap();
        assert_is(lock.lock(), LockError::AlreadyHeld);
        assert_is(lock.try_lock(), LockError::AlreadyHeld);
        assert_is(lock.lock_timeout(SHORT), LockError::AlreadyHeld);
        assert_is(number.lock(), LockError::AlreadyHeld);
        assert_is(number.set(2), LockError::AlreadyHeld);
        assert_is(number.update(|number| *number = 2), LockError::AlreadyHeld);
        assert_is(array.set_at(0, 2), LockError::AlreadyHeld);
        assert_is(array.fill(2), LockError::AlreadyHeld);
        drop(held);
        assert_eq!((number.get(), array.at(0)), (1, 1));
        number.set(2).expect("the lock is free");
    });
}

/// To the lock of a value, two tasks of a thread are one owner, unless the lock is not recursive.
#[test]
fn a_value_that_is_not_recursive_is_locked_once() {
    in_time(|| {
        for kind in [LockKind::Native, LockKind::Pthread] {
            let number = Synchronized::options().non_recursive().lock_kind(kind).new(1_u64).unwrap();
            let opened = Synchronized::<u64>::options().lock_kind(kind).open(number.token().unwrap()).unwrap();
            let guard = number.lock().unwrap();
            let clone = number.clone();
            assert_is(number.lock(), LockError::AlreadyHeld);
            assert_is(number.try_lock(), LockError::AlreadyHeld);
            assert_is(clone.lock_timeout(SHORT), LockError::AlreadyHeld);
            assert_is(clone.set(2), LockError::AlreadyHeld);
            assert_is(clone.update(|number| *number = 2), LockError::AlreadyHeld);
            // Another handle need not ask for the rule, which belongs to the value.
            assert_is(opened.lock(), LockError::AlreadyHeld);
            assert_is(opened.set(2), LockError::AlreadyHeld);
            guard.set(3).unwrap();
            assert_eq!((number.get(), guard.get(), number.version()), (3, 3, 0));
            guard.rollback();
            guard.update(|number| *number += 4).unwrap();
            guard.commit();
            assert_eq!(number.version(), 1);
            thread::scope(|scope| {
                scope.spawn(|| assert_is(number.try_lock(), LockError::WouldBlock));
            });
            guard.set(6).unwrap();
            drop(guard);
            assert_is(number.update(|_| number.set(7)).unwrap(), LockError::AlreadyHeld);
            number.set(7).expect("the lock is free");
            assert_eq!((number.get(), number.version()), (7, 4));

            // The next owner rolls back, as under any lock.
            thread::scope(|scope| {
                let died = scope.spawn(|| {
                    let guard = number.lock().unwrap();
                    guard.set(8).unwrap();
                    std::mem::forget(guard);
                });
                died.join().unwrap();
            });
            if kind == LockKind::Native {
                let guard = number.lock_timeout(DEADLINE).unwrap();
                assert!(guard.recovered() && guard.get() == 7, "{guard:?}");
            }
        }
        let arena = Arena::new(1 << 16).unwrap();
        let value = arena.insert("value", 1_u64).unwrap();
        let opened = Synchronized::<u64>::options().non_recursive().open(value.token().unwrap());
        assert!(matches!(opened, Err(Error::Unsupported { .. })), "{opened:?}");
    });
}

/// A program that relies on a lock that refuses must get one, or an error. One that does not know of the rule gets the lock
/// that the value was created with.
#[test]
fn every_process_gets_the_lock_that_the_value_was_created_with() {
    for kind in [LockKind::Native, LockKind::Pthread] {
        let (once, again) = (SegmentName::new("once"), SegmentName::new("again"));
        let options = || Synchronized::options().lock_kind(kind);
        let value = options().non_recursive().create(&once, 1_u64).unwrap();
        let recursive = options().create(&again, 1_u64).unwrap();
        let pthread = (kind == LockKind::Pthread).then_some("--pthread");
        let worker = |name: &SegmentName| {
            let mut worker = worker("lock-twice", [&**name].into_iter().chain(pthread));
            let heard = worker.hear();
            worker.finish();
            heard
        };
        assert_eq!(worker(&once), "typed: AlreadyHeld, dynamic: AlreadyHeld");
        assert_eq!(worker(&again), "typed: taken, dynamic: taken");
        assert_eq!((value.get(), recursive.get()), (1, 1));

        let refused = options().non_recursive().open_or_create(&again, 1_u64).unwrap_err();
        assert!(matches!(refused, Error::InvalidSegment { field: "lock", .. }), "{refused:?}");
        let expected =
            "lock: expected one that is not recursive, found a recursive one: open it without `non_recursive`";
        assert!(refused.to_string().contains(expected), "{refused}");
        options().non_recursive().open_or_create(&once, 1_u64).expect("its lock is not recursive");
    }
}

/// A program without guards must learn of a dead owner too, even if another process has taken the lock over meanwhile.
#[test]
fn the_number_of_recoveries_tells_users_of_setters() {
    in_time(|| {
        let lock = RLock::new().unwrap();
        let [native, guarded] = [Synchronized::options(), Synchronized::options().lock(&lock)];
        for number in [native, guarded].map(|options| options.new(1_u64).unwrap()) {
            let (seen, other) = (number.recoveries(), number.clone());
            thread::spawn(move || std::mem::forget(other.lock())).join().unwrap();
            assert_eq!(number.recoveries(), seen, "no owner has followed");
            fork(|| number.set(2).unwrap()).finish();
            number.update(|number| *number += 1).unwrap();
            assert_eq!((number.get(), number.recoveries()), (3, seen + 1));
        }

        // The C library frees its mutexes only when the owner's process ends.
        let pthread = Synchronized::options().lock_kind(LockKind::Pthread).new(1_u64).unwrap();
        fork(|| std::mem::forget(pthread.lock())).finish();
        fork(|| pthread.set(2).unwrap()).finish();
        pthread.update(|number| *number += 1).unwrap();
        assert_eq!((pthread.get(), pthread.recoveries()), (3, 1));
    });
}

/// An error of a lock must read well alone, and inside of the library's error.
#[test]
fn every_variant_says_what_to_do() {
    let texts = [
        (LockError::WouldBlock, "another thread or process holds the lock"),
        (LockError::TimedOut, "another thread or process held the lock until the timeout"),
        (LockError::AlreadyHeld, "perhaps by another task, and it is not recursive: release it first"),
        (LockError::TooManyHeld { limit: 2_048 }, "holds 2048 locks already"),
        (LockError::TooDeep { limit: 65_535 }, "has taken this lock 65535 times"),
        (LockError::Corrupted, "another process overwrote the lock"),
        (LockError::OtherCopy { version: "0.1.0", object: "/a.so" }, "(version 0.1.0, in /a.so)"),
        (LockError::OtherCopy { version: "0.1.0", object: "" }, "(version 0.1.0, in the program itself)"),
        (LockError::NotHeld, "take the lock again"),
        (LockError::Unsupported { what: "glibc" }, "this platform cannot provide the lock: glibc"),
    ];
    for (error, text) in texts {
        assert!(error.to_string().contains(text), "{error}");
        let wrapped = Error::from(error);
        assert!(matches!(wrapped, Error::Lock(inner) if inner == error), "{wrapped:?}");
        assert_eq!(wrapped.to_string(), error.to_string(), "the text must not appear twice in a chain of errors");
        assert!(wrapped.source().is_none(), "the text must not appear twice in a chain of errors");
    }
}
