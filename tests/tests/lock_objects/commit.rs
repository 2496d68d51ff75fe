//! One release commits all values.

use shared_value::{Error, LockError, LockState, RLock, Synchronized};
use shared_value_tests::values::Account;
use shared_value_tests::{DEADLINE, Futex, SegmentName, in_time};

use crate::{Pair, elsewhere, twice};

/// If each value were committed by itself, other threads would see the one changed and the other not, under the lock.
#[test]
fn values_are_committed_when_their_lock_is_released() {
    let pair = Pair::new();
    let outer = pair.lock.lock().unwrap();
    pair.set_both(1);
    let inner = pair.left.lock().unwrap();
    pair.right.update(|right| *right = [2; 20]).unwrap();
    assert_eq!(pair.values(), (1, 2), "a thread sees its own writes");
    assert_eq!(elsewhere(|| pair.values()), (0, 0));
    drop(inner);
    assert_eq!(elsewhere(|| pair.values()), (0, 0), "the thread still holds the lock");
    assert_eq!(pair.left.lock_state(), LockState::HeldHere);
    assert!(matches!(elsewhere(|| pair.right.lock_state()), LockState::Held { .. }));
    assert!(matches!(elsewhere(|| pair.right.try_lock().map(drop)), Err(Error::Lock(LockError::WouldBlock))));
    drop(outer);
    assert_eq!((pair.values(), pair.versions()), ((1, 2), (1, 1)));
    assert_eq!(elsewhere(|| pair.values()), (1, 2));
}

/// A release that does not commit all values would leave the others' changes in a draft.
#[test]
fn the_guard_that_is_dropped_last_commits_all() {
    let pair = Pair::new();
    let first = pair.lock.lock().unwrap();
    let last = pair.left.lock().unwrap();
    pair.right.set([5; 20]).unwrap();
    drop(first);
    assert_eq!(pair.versions(), (0, 0));
    drop(last);
    assert_eq!((pair.values(), pair.versions()), ((0, 5), (0, 1)));
}

/// A guard of one value would otherwise split a change of several.
#[test]
fn a_commit_or_a_rollback_concerns_all_values() {
    let pair = Pair::new();
    let guard = pair.lock.lock().unwrap();
    pair.set_both(1);
    guard.commit();
    assert_eq!(elsewhere(|| pair.values()), (1, 1));
    pair.set_both(2);
    guard.rollback();
    assert_eq!(pair.values(), (1, 1));
    pair.set_both(3);
    let inner = pair.right.lock().unwrap();
    inner.commit();
    assert_eq!(elsewhere(|| pair.values()), (3, 3));
    pair.set_both(4);
    inner.rollback();
    drop((inner, guard));
    assert_eq!((pair.values(), pair.versions()), ((3, 3), (2, 2)));
}

/// An `update` borrows its own value only.
#[test]
fn in_an_update_of_one_value_the_others_can_be_changed() {
    twice(|| {
        let pair = Pair::new();
        pair.left
            .update(|left| {
                assert!(matches!(pair.left.set(7), Err(Error::Borrowed)));
                pair.right.update(|right| right.fill(8)).unwrap();
                *left = 9;
            })
            .unwrap();
        assert_eq!((pair.values(), pair.versions()), ((9, 8), (1, 1)));
    });
}

/// If the last handle took the draft with it, the release would commit nothing.
#[test]
fn a_value_is_committed_although_its_last_handle_was_dropped() {
    let name = SegmentName::new("dropped");
    let lock = RLock::new().unwrap();
    let guarded = Synchronized::options().lock(&lock);
    let guard = lock.lock().unwrap();
    guarded.create(&name, 1_u64).unwrap().set(2).unwrap();
    drop(guard);
    assert_eq!(guarded.open(&name).unwrap().get(), 2);
}

/// Accessors of fields take the lock object as other changes do.
#[test]
fn derived_structs_work_under_lock_objects() {
    let lock = RLock::new().unwrap();
    let guarded = Synchronized::options().lock(&lock);
    let [first, second] = [1, 2].map(|number| guarded.new(Account::after(number)).unwrap());
    let guard = lock.lock().unwrap();
    first.set_balance(100).unwrap();
    second.update_balance(|balance| *balance += 1).unwrap();
    second.requests().fetch_add(5);
    assert_eq!((first.version(), second.version()), (0, 0));
    drop(guard);
    assert_eq!((first.version(), second.version()), (1, 1));
    assert_eq!((first.balance(), second.balance()), (100, Account::after(2).balance + 1));
}

/// A release must wake the waiters of every changed value, although the lock lies in another segment.
#[test]
fn a_change_under_a_lock_object_wakes() {
    in_time(|| {
        let name = SegmentName::new("lock-object-wakes");
        let lock = RLock::create(&name).unwrap();
        let value = Synchronized::options().lock(&lock).new(0_u64).unwrap();
        let futex = Futex::of_changes(&name);
        let change = || {
            let guard = lock.lock().unwrap();
            value.update(|number| *number += 1).unwrap();
            drop(guard);
        };
        for round in 0..5 {
            futex.assert_woken_by(3, change);
            let next = 2 * round + 2;
            futex.assert_slept_on(
                || {
                    value.wait_for(|number| *number == next, DEADLINE).unwrap();
                },
                change,
            );
        }
    });
}
