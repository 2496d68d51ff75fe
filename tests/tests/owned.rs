//! Guards without a lifetime: in any order, in any thread.

use std::panic::{self, AssertUnwindSafe};
use std::thread;

use shared_value::{Arena, DetachedHold, Error, Lock, LockError, LockKind, LockState, OwnedGuard, RLock, Synchronized};
use shared_value_tests::{SHORT, fork, in_time};

fn is_not_held(result: &Result<(), Error>) -> bool {
    matches!(result, Err(Error::Lock(LockError::NotHeld)))
}

fn in_another_thread<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(work).join().unwrap())
}

/// Takes the lock three times, and ends these holds in another order, and by calls that must fail. The last guard is dropped by
/// another thread.
fn use_in_any_order(value: &Synchronized<u64>) {
    let [first, second, third] = [(); 3].map(|()| value.lock_owned().unwrap());
    assert!(first.is_mine() && third.depth() == 3 && !third.recovered());
    value.set(1).unwrap();
    second.release().unwrap();
    assert!(is_not_held(&second.release()) && !second.is_mine() && second.depth() == 2);
    assert!(is_not_held(&second.commit()) && is_not_held(&second.rollback()));
    drop(first);
    drop(second);
    assert_eq!(in_another_thread(|| value.get()), 0);
    assert_eq!((third.depth(), value.lock_state()), (1, LockState::HeldHere));
    third.commit().unwrap();
    value.set(2).unwrap();
    third.rollback().unwrap();
    assert_eq!((value.get(), in_another_thread(|| value.get())), (1, 1));

    value.set(3).unwrap();
    in_another_thread(|| {
        // A thread that the library knows, because it has a lock too.
        let own = Synchronized::new(0_u64).unwrap();
        let _held = own.lock_owned().unwrap();
        assert!(is_not_held(&third.release()) && is_not_held(&third.commit()) && is_not_held(&third.rollback()));
        assert!(!third.is_mine() && third.depth() == 0);
        assert!(matches!(value.try_lock_owned(), Err(Error::Lock(LockError::WouldBlock))));
        assert!(matches!(value.lock_owned_timeout(SHORT), Err(Error::Lock(LockError::TimedOut))));
    });
    fork(|| assert!(is_not_held(&third.release()) && is_not_held(&third.commit()) && !third.is_mine())).finish();
    assert!(third.is_mine());
    in_another_thread(move || drop(third));
    assert_eq!((value.lock_state(), value.get()), (LockState::HeldHere, 3));
    value.lock_owned().unwrap().release().unwrap();
    assert_eq!(in_another_thread(|| value.get()), 1);
}

/// Without this, holds of an interpreter would end too early, or never, or in the wrong thread.
#[test]
fn holds_end_in_any_order() {
    in_time(|| {
        let lock = RLock::new().unwrap();
        for value in [
            Synchronized::new(0_u64).unwrap(),
            Synchronized::options().lock_kind(LockKind::Pthread).new(0_u64).unwrap(),
            Synchronized::options().lock(&lock).new(0_u64).unwrap(),
            Arena::new(1 << 20).unwrap().insert("value", 0_u64).unwrap(),
        ] {
            thread::scope(|scope| {
                scope.spawn(|| use_in_any_order(&value)).join().unwrap();
            });
            // That thread has ended with the lock.
            let guard = value.lock_owned().unwrap();
            assert!(guard.recovered() && guard.depth() == 1);
            assert_eq!(value.get(), 1, "a change that was not committed is lost");
            value.set(5).unwrap();
            guard.release().unwrap();
            assert_eq!((value.get(), value.recoveries()), (5, 1));
        }
    });
}

/// The lock must outlive its handles while a thread holds it: unmapping it would cut off the thread's other locks.
#[test]
fn guards_outlive_their_handles() {
    in_time(|| {
        let other = Synchronized::new(0_u64).unwrap();
        let (token, guard) = {
            let value = Synchronized::new(0_u64).unwrap();
            (value.token().unwrap(), value.lock_owned().unwrap())
        };
        let later = other.lock_owned().unwrap();
        Synchronized::<u64>::open(&token).unwrap().set(7).unwrap();
        let value = Synchronized::<u64>::open(&token).unwrap();
        assert_eq!((value.get(), in_another_thread(|| value.get())), (7, 0));
        drop(guard);
        assert_eq!(in_another_thread(|| value.get()), 7);
        later.release().unwrap();

        let arena = Arena::new(1 << 20).unwrap();
        let guard = arena.insert("value", 1_u64).unwrap().lock_owned().unwrap();
        arena.remove("value").unwrap();
        arena.insert("next", 2_u64).unwrap();
        assert!(guard.is_mine());
        guard.release().unwrap();
    });
}

/// A guard of one value commits all values under the same lock: also one that an `update` has not finished.
#[test]
fn changes_of_other_values_that_are_not_finished_are_not_committed() {
    let lock = RLock::new().unwrap();
    let [value, other] = [(); 2].map(|()| Synchronized::options().lock(&lock).new(0_u64).unwrap());
    let guard = other.lock_owned().unwrap();
    other.set(1).unwrap();
    value
        .update(|number| {
            *number = 1;
            assert!(matches!(guard.commit(), Err(Error::Borrowed)));
            assert!(matches!(guard.rollback(), Err(Error::Borrowed)));
        })
        .unwrap();
    assert_eq!((other.version(), value.version()), (0, 0));
    guard.release().unwrap();
    assert_eq!((other.get(), value.get()), (1, 1));
}

/// Without these errors, a half-made change would be committed, or the program would panic.
#[test]
fn changes_that_are_not_finished_are_not_committed() {
    let value = Synchronized::new(0_u64).unwrap();
    let outer = value.lock_owned().unwrap();
    value
        .update(|number| {
            *number = 1;
            assert!(matches!(outer.commit(), Err(Error::Borrowed)));
            assert!(matches!(outer.rollback(), Err(Error::Borrowed)));
        })
        .unwrap();
    outer.commit().unwrap();
    let caught = panic::catch_unwind(AssertUnwindSafe(|| {
        let _inner = value.lock_owned().unwrap();
        value.set(2).unwrap();
        panic!("expected");
    }));
    assert!(caught.is_err());
    assert!(matches!(outer.commit(), Err(Error::Unwound)) && matches!(value.set(3), Err(Error::Unwound)));
    outer.rollback().unwrap();
    value.set(3).unwrap();
    drop(outer);
    assert_eq!((value.get(), value.version()), (3, 2));

    let arena = Arena::new(1 << 20).unwrap();
    let value = arena.insert("value", 1_u64).unwrap();
    let failed = arena.transaction(|tx| {
        tx.lock(&value)?.set(2)?;
        let inner = value.lock_owned()?;
        assert!(matches!(inner.commit(), Err(Error::Unsupported { .. })));
        assert!(matches!(inner.rollback(), Err(Error::Unsupported { .. })));
        inner.release()?;
        Err::<(), _>(Error::Borrowed)
    });
    assert!(failed.is_err());
    assert_eq!(value.get(), 1);
}

/// Lock objects are what interpreters hand out as their own locks.
#[test]
fn lock_objects_have_them_too() {
    let (recursive, once) = (RLock::new().unwrap(), Lock::new().unwrap());
    let value = Synchronized::options().lock(&recursive).new(1_u64).unwrap();
    let guards: Vec<OwnedGuard<_>> = (0..2).map(|_| recursive.lock_owned().unwrap()).collect();
    value.set(2).unwrap();
    assert_eq!(guards[0].depth(), 2);
    guards[0].release().unwrap();
    assert!(is_not_held(&guards[0].release()));
    drop(guards);
    assert_eq!((value.get(), value.version()), (2, 1));
    let guard = once.lock_owned().unwrap();
    assert!(matches!(once.try_lock_owned(), Err(Error::Lock(LockError::AlreadyHeld))));
    assert!(matches!(once.lock_owned_timeout(SHORT), Err(Error::Lock(LockError::AlreadyHeld))));
    guard.release().unwrap();
    once.lock_owned_timeout(SHORT).unwrap().release().unwrap();
}

/// Takes the lock twice by holds that refer to no handle, and calls what must fail: by another thread, in a child, for a value under
/// another lock, and after the end.
fn use_detached(value: &Synchronized<u64>, other: &Synchronized<u64>) {
    let [first, second] = [(); 2].map(|()| DetachedHold::lock(value).unwrap());
    value.set(1).unwrap();
    first.release(value).unwrap();
    assert!(is_not_held(&first.release(value)) && is_not_held(&first.commit(value)) && !first.is_mine());
    // Without the comparison of the locks, these calls would end this hold.
    let of_other = DetachedHold::lock(other).unwrap();
    let fail = || {
        [second.release(other), second.commit(other), second.rollback(other)].iter().all(is_not_held)
            && in_another_thread(|| {
                let own = Synchronized::new(0_u64).unwrap();
                let _held = DetachedHold::try_lock(&own).unwrap();
                assert!(matches!(DetachedHold::lock_timeout(value, SHORT), Err(Error::Lock(LockError::TimedOut))));
                [second.release(value), second.commit(value), second.rollback(value)].iter().all(is_not_held)
                    && !second.is_mine()
            })
    };
    assert!(fail());
    assert_eq!(other.lock_state(), LockState::HeldHere);
    of_other.release(other).unwrap();
    fork(|| assert!(is_not_held(&second.release(value)) && !second.is_mine())).finish();
    assert_eq!((value.lock_state(), in_another_thread(|| value.get())), (LockState::HeldHere, 0));
    second.commit(value).unwrap();
    value.set(2).unwrap();
    second.rollback(value).unwrap();
    assert_eq!((value.get(), in_another_thread(|| value.get())), (1, 1));
    value.set(3).unwrap();
    second.release(&value.clone()).unwrap();
    assert_eq!((value.lock_state(), value.get()), (LockState::Free, 3));
    let lost = DetachedHold::lock(value).unwrap();
    value.set(4).unwrap();
    drop(lost);
    assert_eq!((value.lock_state(), value.get()), (LockState::HeldHere, 4));
}

/// Without this, a hold of an interpreter would release the lock of another thread or value.
#[test]
fn detached_holds_end_by_release_alone() {
    in_time(|| {
        let (lock, arena) = (RLock::new().unwrap(), Arena::new(1 << 20).unwrap());
        let guarded = || Synchronized::options().lock(&lock).new(0_u64).unwrap();
        let pthread = || Synchronized::options().lock_kind(LockKind::Pthread).new(0_u64).unwrap();
        let of_arena = |key| arena.insert(key, 0_u64).unwrap();
        for [value, other] in [
            [(); 2].map(|()| Synchronized::new(0_u64).unwrap()),
            [(); 2].map(|()| pthread()),
            [guarded(), Synchronized::new(0_u64).unwrap()],
            ["one", "other"].map(of_arena),
        ] {
            thread::scope(|scope| {
                scope.spawn(|| use_detached(&value, &other)).join().unwrap();
            });
            let hold = DetachedHold::lock(&value).unwrap();
            assert!(hold.recovered());
            assert_eq!(value.get(), 3, "a change that was not committed is lost");
            hold.release(&value).unwrap();
        }
        let [value, other] = [(); 2].map(|()| guarded());
        let hold = DetachedHold::lock(&value).unwrap();
        value.set(5).unwrap();
        other.set(6).unwrap();
        hold.release(&other).unwrap();
        assert_eq!((value.get(), other.get(), value.lock_state()), (5, 6, LockState::Free), "one lock guards both");
    });
}

/// A hold may outlive its value, whose place another value takes.
#[test]
fn a_detached_hold_releases_no_later_value() {
    in_time(|| {
        let arena = Arena::new(1 << 20).unwrap();
        let hold = DetachedHold::lock(&arena.insert("key", 1_u64).unwrap()).unwrap();
        arena.remove("key").unwrap();
        for number in 0..100 {
            let value = arena.insert("key", number).unwrap();
            let own = DetachedHold::try_lock(&value).unwrap();
            assert!(is_not_held(&hold.release(&value)));
            value.set(number + 1).unwrap();
            own.release(&value).unwrap();
            assert_eq!((value.get(), value.lock_state()), (number + 1, LockState::Free));
            arena.remove("key").unwrap();
        }
        // Anonymous values come and go at the same addresses.
        let hold = DetachedHold::lock(&Synchronized::new(1_u64).unwrap()).unwrap();
        for number in 0..100 {
            let value = Synchronized::new(number).unwrap();
            let own = DetachedHold::try_lock(&value).unwrap();
            assert!(is_not_held(&hold.release(&value)));
            own.release(&value).unwrap();
        }
    });
}

/// A million of them must not fill a table.
#[test]
fn holds_leave_nothing_behind() {
    let value = Synchronized::new(0_u64).unwrap();
    for _ in 0..100_000 {
        let guard = value.lock_owned().unwrap();
        guard.release().unwrap();
        assert!(is_not_held(&guard.release()));
    }
    assert_eq!(value.lock_state(), LockState::Free);
}
