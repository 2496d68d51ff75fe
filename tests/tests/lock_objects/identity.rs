//! The lock that guards a value, and no other one.

use shared_value::{Arena, Error, Lock, LockError, LockState, RLock, Recursive, Synchronized, Zeroed};
use shared_value_tests::{DEADLINE, SegmentName};

use crate::{Pair, elsewhere};

/// A `Lock` that let its owner in again would not guard; one that let it wait would hang.
#[test]
fn a_lock_is_not_taken_twice() {
    let lock = Lock::new().unwrap();
    let guarded = Synchronized::options().lock(&lock);
    let (value, other) = (guarded.new(1_u32).unwrap(), guarded.new(1_u32).unwrap());
    let guard = lock.lock().unwrap();
    for refused in [
        lock.lock().map(drop),
        lock.try_lock().map(drop),
        lock.lock_timeout(DEADLINE).map(drop),
        value.lock().map(drop),
        value.set(2),
        value.update(|value| *value = 2),
    ] {
        assert!(matches!(refused, Err(Error::Lock(LockError::AlreadyHeld))), "{refused:?}");
    }
    assert_eq!(value.get(), 1, "reading takes no lock");
    let refused = elsewhere(|| lock.try_lock().map(drop));
    assert!(matches!(refused, Err(Error::Lock(LockError::WouldBlock))), "the thread still holds it: {refused:?}");
    drop(guard);

    value.update(|_| assert!(matches!(other.set(2), Err(Error::Lock(LockError::AlreadyHeld))))).unwrap();
    let guard = value.lock().unwrap();
    guard.set(3).unwrap();
    drop(guard);
    assert_eq!((value.get(), other.get()), (3, 1));
    elsewhere(|| lock.lock().map(drop)).unwrap();
}

/// With another lock, two owners would write at once.
#[test]
fn a_value_opens_with_its_lock_only() {
    let [lock_name, value_name, own_name] = ["lock", "guarded", "own"].map(SegmentName::new);
    let lock = RLock::create(&lock_name).unwrap();
    let guarded = Synchronized::options().lock(&lock);
    let value = guarded.create(&value_name, 1_u64).unwrap();
    Synchronized::create(&own_name, 1_u64).unwrap();

    let other = RLock::new().unwrap();
    let same = RLock::open(&lock_name).unwrap();
    for (opened, expected) in [
        (Synchronized::<u64>::open(&value_name), "expected a lock of its own, found lock object"),
        (Synchronized::options().lock(&other).open(&value_name), "expected lock object"),
        (guarded.open(&own_name), "found a lock of its own"),
    ] {
        let error = opened.unwrap_err();
        assert!(matches!(error, Error::InvalidSegment { field: "lock", .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let opened = Synchronized::<u64>::options().lock(&same).open(&value_name).unwrap();
    opened.set(5).unwrap();
    assert_eq!(value.get(), 5);
    // Readers take no lock.
    assert_eq!(Synchronized::<u64>::open_read_only(&value_name).unwrap().get(), 5);

    let error = Lock::open(&lock_name).unwrap_err();
    assert!(matches!(error, Error::LayoutMismatch { .. }), "{error:?}");
    drop((value, opened));
    // A new lock of this name is another lock.
    shared_value::unlink(&lock_name).unwrap();
    let replaced = RLock::open_or_create(&lock_name).unwrap();
    let refused = Synchronized::<u64>::options().lock(&replaced).open(&value_name);
    assert!(matches!(refused, Err(Error::InvalidSegment { .. })), "{refused:?}");
}

/// If a lock could be opened as a value, its identity could be changed.
#[test]
fn a_lock_does_not_open_as_a_value() {
    let name = SegmentName::new("no-value");
    let lock = RLock::create(&name).unwrap();
    let refused = [
        Synchronized::<Recursive>::open(&name).map(drop),
        Synchronized::<Recursive>::open(lock.token().unwrap()).map(drop),
        Synchronized::<Recursive>::options().lock(&lock).open(&name).map(drop),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::InvalidSegment { field: "lock", .. }), "{error:?}");
    }
}

/// A value of the same type has a lock of its own. By its handle the lock could be released without what was written under it.
#[test]
fn a_value_does_not_open_as_a_lock() {
    let name = SegmentName::new("not-a-lock");
    let (arena, value) = (Arena::new(1 << 20).unwrap(), Synchronized::<Recursive>::create(&*name, Zeroed).unwrap());
    let inside = arena.insert::<Recursive>("lock", Zeroed).unwrap();
    for token in [inside.token().unwrap(), value.token().unwrap()] {
        let error = RLock::open(token).unwrap_err();
        assert!(matches!(error, Error::InvalidSegment { field: "lock", .. }), "{error:?}");
        assert!(error.to_string().contains("expected a lock object, found a lock of its own"), "{error}");
    }
    assert_eq!((inside.lock_state(), value.lock_state()), (LockState::Free, LockState::Free));
}

/// A read-only handle of a value does not know the segment of its lock object, and must say so.
#[test]
fn a_read_only_handle_does_not_know_the_state_of_the_lock() {
    let pair = Pair::new();
    let read_only = pair.left.read_only().unwrap();
    let guard = pair.lock.lock().unwrap();
    assert_eq!(read_only.lock_state(), LockState::Unknown);
    drop(guard);
    assert_eq!(read_only.get(), 0);
}
