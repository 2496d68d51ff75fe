//! Changes of many elements that end in one commit, or in none.

use std::panic::{self, AssertUnwindSafe};
use std::thread;

use shared_value::{Error, Filled, LockError, RLock, SharedArray, Synchronized};
use shared_value_tests::fork;

/// The result of the closure would overwrite an element that is written while the closure runs.
#[test]
fn an_update_of_all_elements_borrows_them() {
    let array = SharedArray::new(&[1, 2, 3]).unwrap();
    array
        .update_all(|all| {
            assert!(matches!(array.set_at(0, 9), Err(Error::Borrowed)));
            assert!(matches!(array.write_slice(0, &[9]), Err(Error::Borrowed)));
            assert!(matches!(array.fill(9), Err(Error::Borrowed)));
            assert!(matches!(array.update_at(1, |_| ()), Err(Error::Borrowed)));
            let guard = array.lock().unwrap();
            assert!(matches!(guard.set_at(0, 9), Err(Error::Borrowed)));
            assert!(matches!(guard.write_slice(0, &[9]), Err(Error::Borrowed)));
            assert!(matches!(guard.fill(9), Err(Error::Borrowed)));
            assert!(matches!(guard.swap(0, 1), Err(Error::Borrowed)));
            assert!(matches!(guard.update_at(0, |_| panic!("the closure must not run")), Err(Error::Borrowed)));
            assert!(matches!(guard.update_all(|_| panic!("the closure must not run")), Err(Error::Borrowed)));
            all[1] = 7;
        })
        .unwrap();
    assert_eq!((array.to_vec().unwrap(), array.version()), (vec![1, 7, 3], 1));
    let failed = panic::catch_unwind(AssertUnwindSafe(|| array.update_all(|_| panic!("in the closure"))));
    assert!(failed.is_err());
    assert_eq!((array.to_vec().unwrap(), array.version()), (vec![1, 7, 3], 1));
    array.set_at(0, 5).unwrap();
}

/// A panic must not leave half of the writes of a guard.
#[test]
fn a_panic_rolls_back_all_elements() {
    let array = SharedArray::new(Filled(0_u64, 10_000)).unwrap();
    let panicking = array.clone();
    let panicked = thread::spawn(move || {
        let guard = panicking.lock().unwrap();
        for index in (0..10_000).step_by(7) {
            guard.set_at(index, 1).unwrap();
        }
        panic!("before it is committed");
    });
    assert!(panicked.join().is_err());
    assert_eq!((array.iter().sum::<u64>(), array.version()), (0, 0));
    array.set_at(14, 1).unwrap();
    array.set_at(21, 1).unwrap();
    assert_eq!(array.iter().sum::<u64>(), 2, "the rolled-back elements stay zero");
}

/// A forked child has a copy of the parent's guard, which must neither show the parent's draft nor write it.
#[test]
fn a_guard_belongs_to_the_parent() {
    let array = SharedArray::new(&[1, 2, 3]).unwrap();
    let guard = array.lock().unwrap();
    guard.set_at(0, 9).unwrap();
    let child = fork(|| {
        assert_eq!(guard.to_vec().unwrap(), [1, 2, 3], "the committed elements");
        for refused in [guard.set_at(1, 8), guard.fill(8), guard.write_slice(0, &[8]), guard.swap(0, 1)] {
            assert!(matches!(refused, Err(Error::Lock(LockError::NotHeld))), "{refused:?}");
        }
        assert!(matches!(array.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
    });
    child.finish();
    drop(guard);
    assert_eq!(array.to_vec().unwrap(), [9, 2, 3]);
}

/// An array under a lock object must be committed with the other values of that lock.
#[test]
fn an_array_under_a_lock_object() {
    let lock = RLock::new().unwrap();
    let array = SharedArray::options().lock(&lock).new(Filled(0_u64, 1_000)).unwrap();
    let sum = Synchronized::options().lock(&lock).new(0_u64).unwrap();
    for round in 1..=3 {
        let guard = lock.lock().unwrap();
        array.write_slice(10 * round, &[1; 5]).unwrap();
        array.update_all(|all| all[999] = 1).unwrap();
        sum.set(array.iter().sum()).unwrap();
        drop(guard);
        assert_eq!(sum.get(), 5 * round as u64 + 1);
    }
}
