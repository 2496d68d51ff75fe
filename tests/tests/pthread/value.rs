//! A value with a pthread mutex behaves like any other.

use std::panic::{self, AssertUnwindSafe};
use std::thread;

use rustix::process::Signal;
use shared_value::{Error, LockError, LockState, Synchronized};
use shared_value_tests::values::Account;
use shared_value_tests::{AT_ONCE, DEADLINE, Futex, SegmentName, eventually, fork, in_time};

use crate::guarded;

/// A value that a C program shares must not behave otherwise in Rust.
#[test]
fn a_value_with_a_pthread_mutex_is_used_like_any_other() {
    let account = guarded().new(Account::after(1)).unwrap();
    let guard = account.lock().unwrap();
    guard.set_balance(5).unwrap();
    let inner = account.lock().unwrap();
    account.update_balance(|balance| *balance += 1).unwrap();
    assert_eq!(account.balance(), 6);
    thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(account.balance(), Account::after(1).balance);
            assert!(matches!(account.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
            assert!(matches!(account.lock_state(), LockState::Held { .. }));
        });
    });
    assert_eq!(account.lock_state(), LockState::HeldHere);
    drop(inner);
    guard.commit();
    guard.set_balance(7).unwrap();
    guard.rollback();
    drop(guard);
    assert_eq!((account.balance(), account.version(), account.lock_state()), (6, 1, LockState::Free));

    account.update(|_| assert!(matches!(account.set_balance(1), Err(Error::Borrowed)))).unwrap();
    let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
        let guard = account.lock().unwrap();
        guard.set_balance(8).unwrap();
        panic!("while it is held");
    }));
    assert!(panicked.is_err());
    assert_eq!((account.balance(), account.lock_state()), (6, LockState::Free));
}

/// A mutex that is left over in a copy, or after a crash of the machine, must not stay locked.
#[test]
fn a_value_with_a_pthread_mutex_opens_like_any_other() {
    let name = SegmentName::new("pthread-open");
    let value = guarded().create(&name, 1_u64).unwrap();
    fork(|| {
        let opened = guarded::<u64>().open(&name).unwrap();
        opened.update(|value| *value += 1).unwrap();
        assert_eq!(Synchronized::<u64>::open_read_only(&name).unwrap().get(), 2);
    })
    .finish();
    assert_eq!(value.get(), 2);

    // No process has the copy open, and its mutex is locked.
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("copy");
    let guard = value.lock().unwrap();
    std::fs::copy(name.path(), &copy).unwrap();
    drop(guard);
    let opened = guarded::<u64>().open(&copy).unwrap();
    drop(opened.lock_timeout(AT_ONCE).unwrap());
    opened.set(9).unwrap();
    assert_eq!((opened.get(), value.get()), (9, 2));
}

/// A program that trusts other writers with a pthread mutex may use the native lock too.
#[test]
fn options_for_a_pthread_mutex_accept_a_native_lock() {
    let name = SegmentName::new("pthread-or-native");
    let native = Synchronized::create(&name, 1_u64).unwrap();
    let opened = guarded::<u64>().open(&name).unwrap();
    let _guard = native.lock().unwrap();
    opened.set(2).unwrap();
    assert_eq!(opened.lock_state(), LockState::HeldHere);
}

/// Both kinds are in one robust list: if one broke it, the death of the thread would leave locks locked.
#[test]
fn both_kinds_are_held_and_released_in_any_order() {
    let (native, mutex) = (Synchronized::new(0_u64).unwrap(), guarded().new(0_u64).unwrap());
    for order in 0..4 {
        let (first, second): (&Synchronized<u64>, _) =
            if order % 2 == 0 { (&native, &mutex) } else { (&mutex, &native) };
        let (one, two) = (first.lock().unwrap(), second.lock().unwrap());
        native.update(|number| *number += 1).unwrap();
        mutex.update(|number| *number += 1).unwrap();
        if order < 2 {
            drop(one);
            drop(two);
        } else {
            drop(two);
            drop(one);
        }
        assert_eq!((native.lock_state(), mutex.lock_state()), (LockState::Free, LockState::Free));
    }
    assert_eq!((native.get(), mutex.get()), (4, 4));

    for order in 0..2 {
        let held = Synchronized::new(0_u64).unwrap();
        let child = fork(|| {
            let guards = if order == 0 { (native.lock(), mutex.lock()) } else { (mutex.lock(), native.lock()) };
            held.set(1).unwrap();
            thread::sleep(DEADLINE);
            drop(guards);
        });
        eventually("the child holds both locks", || held.get() == 1);
        child.signal(Signal::KILL);
        child.finish_killed();
        assert!(native.lock_timeout(AT_ONCE).unwrap().recovered());
        assert!(mutex.lock_timeout(AT_ONCE).unwrap().recovered());
    }
}

/// A release of the mutex must wake threads that wait for a change, which the C library does not know.
#[test]
fn a_change_wakes_its_waiters() {
    in_time(|| {
        let name = SegmentName::new("pthread-wakes");
        let value = guarded().create(&name, 0_u64).unwrap();
        let futex = Futex::of_changes(&name);
        futex.assert_woken_by(2, || value.set(1).unwrap());
        let wait = || assert_eq!(value.wait_for(|number| *number == 2, DEADLINE).unwrap(), 2);
        futex.assert_slept_on(wait, || value.set(2).unwrap());
    });
}

/// A thread that ends with a forgotten guard must leave the mutex to others.
#[test]
fn a_forgotten_guard_is_recovered_when_its_thread_ends() {
    let value = guarded().new(1_u64).unwrap();
    let other = value.clone();
    thread::spawn(move || {
        let guard = other.lock().unwrap();
        guard.set(2).unwrap();
        std::mem::forget(guard);
    })
    .join()
    .unwrap();
    assert!(value.lock_timeout(AT_ONCE).unwrap().recovered());
    assert_eq!(value.get(), 1);

    // The last handle may be dropped while the mutex is held.
    thread::spawn(|| {
        let native = Synchronized::new(1_u64).unwrap();
        let first = native.lock().unwrap();
        let value = guarded().new(1_u64).unwrap();
        std::mem::forget(value.lock().unwrap());
        drop(value);
        drop(first);
        native.set(2).unwrap();
    })
    .join()
    .unwrap();
}

/// A child that owned its parent's mutex would commit the parent's draft.
#[test]
fn a_forked_child_does_not_own_the_mutex() {
    let value = guarded().new(1_u64).unwrap();
    let guard = value.lock().unwrap();
    guard.set(2).unwrap();
    fork(|| {
        assert!(matches!(value.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
        assert_eq!(value.get(), 1);
        let own = guarded().new(1_u64).unwrap();
        own.set(2).unwrap();
        assert_eq!(own.get(), 2);
    })
    .finish();
    assert_eq!(value.lock_state(), LockState::HeldHere);
    drop(guard);
    assert_eq!(value.get(), 2);
}

/// The mutex lies in the value's segment, so a read-only handle can tell its state.
#[test]
fn a_read_only_handle_knows_the_state_of_the_mutex() {
    let value = guarded().new(0_u64).unwrap();
    let read_only = value.read_only().unwrap();
    assert_eq!(read_only.lock_state(), LockState::Free);
    let _guard = value.lock().unwrap();
    assert!(matches!(read_only.lock_state(), LockState::Held { .. }), "{:?}", read_only.lock_state());
}
