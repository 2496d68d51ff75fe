//! Panics under a lock object concern all of its values.

use std::mem;
use std::panic::{self, AssertUnwindSafe};

use shared_value::{Error, LockState};

use crate::{Pair, elsewhere, twice};

/// A panic must not leave some of the values changed.
#[test]
fn a_panic_rolls_all_values_back() {
    twice(|| {
        let pair = Pair::new();
        let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
            let _guard = pair.lock.lock().unwrap();
            pair.set_both(1);
            panic!("while it is held");
        }));
        assert!(panicked.is_err());
        assert_eq!((pair.values(), pair.lock.lock_state()), ((0, 0), LockState::Free));

        let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
            pair.left.update(|left| {
                *left = 1;
                pair.right.set([1; 20]).unwrap();
                panic!("in an update");
            })
        }));
        assert!(panicked.is_err());
        assert_eq!((pair.values(), pair.versions(), pair.lock.lock_state()), ((0, 0), (0, 0), LockState::Free));

        // Under an outer guard, nothing may be written after the panic until a rollback.
        let guard = pair.lock.lock().unwrap();
        pair.set_both(2);
        let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
            let _inner = pair.left.lock().unwrap();
            panic!("under an inner guard");
        }));
        assert!(panicked.is_err());
        assert!(matches!(pair.right.set([3; 20]), Err(Error::Unwound)));
        guard.rollback();
        pair.set_both(4);
        drop(guard);
        assert_eq!((pair.values(), pair.versions()), ((4, 4), (1, 1)));
    });
}

/// A panic under an inner guard has interrupted a change, and must bar all values of the lock.
#[test]
fn a_panic_in_an_update_bars_the_other_values_too() {
    twice(|| {
        let pair = Pair::new();
        let outer = pair.left.lock().unwrap();
        let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
            outer.update(|_| {
                let _inner = pair.left.lock().unwrap();
                pair.right.update(|right| right[0] = 1).unwrap();
                panic!("before the rest of it");
            })
        }));
        assert!(panicked.is_err());
        assert!(matches!(pair.right.set([1; 20]), Err(Error::Unwound)));
        drop(outer);
        assert_eq!((pair.values(), pair.versions()), ((0, 0), (0, 0)));
    });
}

/// An `update` that catches a panic under a guard of another value must not write its result over it.
#[test]
fn an_update_that_caught_a_panic_of_another_value_fails() {
    twice(|| {
        let pair = Pair::new();
        let change = || {
            pair.left.update(|left| {
                pair.right.set([1; 20]).unwrap();
                let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
                    let _inner = pair.right.lock().unwrap();
                    panic!("under an inner guard");
                }));
                assert!(panicked.is_err());
                *left = 1;
            })
        };
        let changed = change();
        assert!(matches!(changed, Err(Error::Unwound)), "{changed:?}");
        assert_eq!((pair.values(), pair.versions()), ((0, 0), (0, 0)));

        let guard = pair.lock.lock().unwrap();
        let changed = change();
        assert!(matches!(changed, Err(Error::Unwound)), "{changed:?}");
        guard.rollback();
        pair.set_both(2);
        drop(guard);
        assert_eq!((pair.values(), pair.versions()), ((2, 2), (1, 1)));
    });
}

/// The closure works on a copy: its result would bring back what a rollback inside of it undoes.
#[test]
fn nothing_is_rolled_back_in_the_middle_of_an_update() {
    let pair = Pair::new();
    let guard = pair.left.lock().unwrap();
    guard.set(9).unwrap();
    for attempt in 0..3 {
        let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
            guard.update(|_| match attempt {
                0 => pair.right.lock().unwrap().rollback(),
                1 => pair.right.lock().unwrap().commit(),
                _ => pair.lock.lock().unwrap().rollback(),
            })
        }));
        assert!(panicked.is_err(), "attempt {attempt}");
        guard.rollback();
        guard.set(9).unwrap();
    }
    drop(guard);
    assert_eq!(pair.values(), (9, 0));
}

/// A guard that the closure of an `update` has leaked keeps the lock, and the panic bars what was written under it.
#[test]
fn a_panic_beside_a_leaked_guard_bars_all_values() {
    let pair = Pair::new();
    // A thread takes its first lock on another path.
    pair.set_both(0);
    let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
        pair.left.update(|_| {
            let leaked = pair.right.lock().unwrap();
            leaked.set([1; 20]).unwrap();
            mem::forget(leaked);
            panic!("before the rest of it");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(pair.lock.lock_state(), LockState::HeldHere);
    assert!(matches!(pair.left.set(1), Err(Error::Unwound)));
    pair.lock.lock().unwrap().rollback();
    pair.set_both(2);
    assert_eq!(elsewhere(|| pair.values()), (0, 0));
}
