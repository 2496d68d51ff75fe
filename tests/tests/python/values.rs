//! Numbers: `Value(typecode, x)` and `RawValue(typecode, x)`.

use std::fmt::Debug;

use shared_value::{Error, LockError, LockState, RLock, SharedValue, Synchronized, Writable};
use shared_value_tests::{end_now, eventually, fork};

/// Asserts that the parent and its child read the start value, and that the parent reads the child's write.
#[track_caller]
fn is_written_by_a_child<T, A>(value: &Synchronized<T, A>, start: T, end: T)
where
    T: SharedValue + PartialEq + Debug,
    A: Writable,
{
    assert_eq!(value.get(), start);
    fork(|| {
        assert_eq!(value.get(), start, "in the child");
        value.set(end).unwrap();
    })
    .finish();
    assert_eq!(value.get(), end);
}

/// (1 and 2) Values of each size must arrive whole, in both directions.
#[test]
fn a_child_writes_numbers_and_its_parent_reads_them() {
    is_written_by_a_child(&Synchronized::new(4343_i32).unwrap(), 4343, 24_234);
    is_written_by_a_child(&Synchronized::new(3.625_f64).unwrap(), 3.625, -4.25);
    is_written_by_a_child(&Synchronized::new(-232_i16).unwrap(), -232, 234);
    is_written_by_a_child(&Synchronized::new(1_i64 << 33).unwrap(), 1 << 33, 1 << 34);
    is_written_by_a_child(&Synchronized::new(b'x').unwrap(), b'x', b'y');
}

/// (3) Without a lock nothing is committed, and writes of a child must arrive all the same.
#[test]
fn a_child_writes_numbers_that_have_no_lock() {
    is_written_by_a_child(&Synchronized::options().unlocked().new(4343_i32).unwrap(), 4343, 24_234);
    is_written_by_a_child(&Synchronized::options().unlocked().new(3.625_f64).unwrap(), 3.625, -4.25);
    is_written_by_a_child(&Synchronized::options().unlocked().new(-232_i16).unwrap(), -232, 234);
    is_written_by_a_child(&Synchronized::options().unlocked().new(1_i64 << 33).unwrap(), 1 << 33, 1 << 34);
    is_written_by_a_child(&Synchronized::options().unlocked().new(b'x').unwrap(), b'x', b'y');
}

/// (4) A default value must be zero, whatever the memory held before.
#[test]
fn a_default_is_zero_in_memory_that_was_used_before() {
    for _ in 0..3 {
        let value = Synchronized::new(i32::default()).unwrap();
        let pair = Synchronized::new(<[f64; 2]>::default()).unwrap();
        assert_eq!((value.get(), pair.get()), (0, [0.0; 2]));
        value.set(-1).unwrap();
        pair.set([f64::NAN; 2]).unwrap();
    }
}

/// (5) A value has a lock by default, and its owner may take it again.
#[test]
fn a_value_has_a_recursive_lock_of_its_own() {
    let value = Synchronized::new(1_i32).unwrap();
    let outer = value.lock().unwrap();
    let inner = value.lock().unwrap();
    inner.set(2).unwrap();
    drop(inner);
    assert_eq!((outer.load().unwrap(), value.lock_state()), (2, LockState::HeldHere));
    fork(|| assert!(matches!(value.try_lock(), Err(Error::Lock(LockError::WouldBlock))))).finish();
    drop(outer);
    assert_eq!((value.get(), value.lock_state()), (2, LockState::Free));
}

/// (6) Values with one lock must be locked and unlocked together, in every process.
#[test]
fn two_values_share_the_lock_that_was_given_them() {
    let lock = RLock::new().unwrap();
    let one = Synchronized::options().lock(&lock).new(1_i32).unwrap();
    let other = Synchronized::options().lock(&lock).new(1.0_f64).unwrap();
    let is_blocked_elsewhere = || {
        fork(|| {
            let states = [one.try_lock().is_err(), other.try_lock().is_err(), lock.try_lock().is_err()];
            assert!(states[0] == states[1] && states[1] == states[2], "{states:?}");
            end_now(i32::from(states[0]));
        })
        .wait()
        .exit_status()
    };
    assert_eq!(is_blocked_elsewhere(), Some(0));
    let guard = one.lock().unwrap();
    assert_eq!((other.lock_state(), lock.lock_state()), (LockState::HeldHere, LockState::HeldHere));
    assert_eq!(is_blocked_elsewhere(), Some(1));
    drop(guard);
    let _guard = lock.lock().unwrap();
    assert_eq!((one.lock_state(), other.lock_state()), (LockState::HeldHere, LockState::HeldHere));
    assert_eq!(is_blocked_elsewhere(), Some(1));
}

/// (7) A write to a value without a lock must not wait, and others must see it at once.
#[test]
fn a_value_without_a_lock_is_written_at_once() {
    let value = Synchronized::<[u64; 2]>::options().unlocked().new([0; 2]).unwrap();
    let child = fork(|| {
        value
            .update(|words| {
                words[0] = 1;
                // The parent does not wait for the end of this closure.
                eventually("the parent writes meanwhile", || value.at(1) == 5);
                words[1] = 6;
            })
            .unwrap();
    });
    value.set_at(1, 5).unwrap();
    child.finish();
    assert_eq!(value.get(), [1, 6]);
    assert_eq!(value.lock_state(), LockState::Free);
}

/// (25) An overflow that the program checks must change nothing. A number of another type does not compile, as `ui` shows.
#[test]
fn a_checked_overflow_changes_nothing() {
    #[derive(Debug)]
    enum Refusal {
        TooLarge,
        Shared,
    }
    impl From<Error> for Refusal {
        fn from(_: Error) -> Self {
            Self::Shared
        }
    }
    let value = Synchronized::new(250_u8).unwrap();
    let add = |more| {
        value.try_update(|number| {
            *number = number.checked_add(more).ok_or(Refusal::TooLarge)?;
            Ok(())
        })
    };
    assert!(matches!(add(5), Ok(())));
    assert!(matches!(add(1), Err(Refusal::TooLarge)));
    assert_eq!((value.get(), value.version()), (255, 1));
    assert!(u8::try_from(256_i32).is_err());
}
