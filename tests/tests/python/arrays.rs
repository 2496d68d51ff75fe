//! Arrays: `Array(typecode, items)`.

use std::panic::{self, AssertUnwindSafe};

use shared_value::{Arena, Error, Filled, LockError, LockState, RLock, SharedArray, Synchronized, Writable};
use shared_value_tests::{SegmentName, end_now, eventually, fork};

const ITEMS: [i32; 10] = [680, 626, 934, 821, 150, 233, 548, 982, 714, 831];

/// Returns the message of the panic of a closure.
#[track_caller]
fn panics<R>(body: impl FnOnce() -> R) -> String {
    match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(_) => panic!("the closure should panic"),
        Err(panicked) => *panicked.downcast::<String>().expect("a message with numbers"),
    }
}

/// (5) An array has a lock by default, and its owner may take it again.
#[test]
fn an_array_has_a_recursive_lock_of_its_own() {
    let array = SharedArray::new(&ITEMS).unwrap();
    let outer = array.lock().unwrap();
    let inner = array.lock().unwrap();
    inner.set_at(3, 1).unwrap();
    drop(inner);
    assert_eq!((outer.at(3), array.lock_state()), (1, LockState::HeldHere));
    fork(|| {
        assert_eq!(array.at(3), 821, "the change is not committed");
        assert!(matches!(array.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
    })
    .finish();
    drop(outer);
    assert_eq!((array.at(3), array.lock_state(), array.version()), (1, LockState::Free, 1));
}

/// (6) An array and a value with one lock must be locked and unlocked together, in every process.
#[test]
fn an_array_is_locked_by_the_lock_that_was_given_it() {
    let lock = RLock::new().unwrap();
    let array = SharedArray::options().lock(&lock).new(&ITEMS).unwrap();
    let sum = Synchronized::options().lock(&lock).new(0_i32).unwrap();
    let is_blocked_elsewhere = || {
        fork(|| {
            let states = [array.try_lock().is_err(), sum.try_lock().is_err(), lock.try_lock().is_err()];
            assert!(states[0] == states[1] && states[1] == states[2], "{states:?}");
            end_now(i32::from(states[0]));
        })
        .wait()
        .exit_status()
    };
    assert_eq!(is_blocked_elsewhere(), Some(0));
    let guard = array.lock().unwrap();
    assert_eq!((sum.lock_state(), lock.lock_state()), (LockState::HeldHere, LockState::HeldHere));
    assert_eq!(is_blocked_elsewhere(), Some(1));
    drop(guard);
    let _guard = lock.lock().unwrap();
    assert_eq!((array.lock_state(), sum.lock_state()), (LockState::HeldHere, LockState::HeldHere));
    assert_eq!(is_blocked_elsewhere(), Some(1));
}

/// (7) A write to an array without a lock must not wait, and others must see it at once.
#[test]
fn an_array_without_a_lock_is_written_at_once() {
    let array = SharedArray::<i32>::options().unlocked().new(&ITEMS).unwrap();
    let child = fork(|| {
        array
            .update_at(0, |item| {
                *item += 1;
                array.set_at(1, -1).unwrap();
                // The parent does not wait for the end of this closure.
                eventually("the parent writes meanwhile", || array.at(9) == -2);
            })
            .unwrap();
    });
    eventually("the child writes", || array.at(1) == -1);
    array.write_slice(8, &[-3, -2]).unwrap();
    child.finish();
    assert_eq!(array.to_vec().unwrap(), [681, -1, 934, 821, 150, 233, 548, 982, -3, -2]);
    assert_eq!((array.version(), array.lock_state()), (0, LockState::Free));
}

/// (9) An array must have the items of its initial value, one by one, in parts, and in all.
#[test]
fn an_array_has_the_items_that_it_was_made_of() {
    // The length of this list is known at run time only.
    let list: Vec<_> = ITEMS.iter().copied().filter(|item| *item > 0).collect();
    let array = SharedArray::new(&list).unwrap();
    let mut part = [0; 5];
    array.read_slice(2..7, &mut part).unwrap();
    assert_eq!((array.len(), array.at(3), part), (10, 821, [934, 821, 150, 233, 548]));
    assert_eq!(array.to_vec().unwrap(), ITEMS);
    assert!((&array).into_iter().eq(ITEMS));
}

/// (9 and 10) An array with a constant length is a value like any other: it is read as a copy, and changed as a whole.
#[test]
fn an_array_may_have_the_length_of_its_type() {
    let array = Synchronized::new(ITEMS).unwrap();
    assert_eq!((array.at(3), &array.get()[2..7]), (821, &[934, 821, 150, 233, 548][..]));
    fork(|| {
        array
            .update(|items| {
                items[4..8].copy_from_slice(&[1, 2, 3, 4]);
                items[9] = 5;
            })
            .unwrap();
    })
    .finish();
    assert_eq!((array.get(), array.version()), ([680, 626, 934, 821, 1, 2, 3, 4, 714, 5], 1));
}

/// (10) A part of an array must be replaced in one commit, and the rest must stay.
#[test]
fn a_part_of_an_array_is_replaced() {
    let array = SharedArray::new(&ITEMS).unwrap();
    array.write_slice(4, &[1, 2, 3, 4]).unwrap();
    assert_eq!(array.to_vec().unwrap(), [680, 626, 934, 821, 1, 2, 3, 4, 714, 831]);
    assert_eq!(array.version(), 1);
}

/// (11) The parent must see the changes that its child makes to an array.
#[test]
fn a_child_sums_up_an_array() {
    let array = SharedArray::new(&ITEMS).unwrap();
    fork(|| {
        let guard = array.lock().unwrap();
        for index in 1..guard.len() {
            guard.set_at(index, guard.at(index) + guard.at(index - 1)).unwrap();
        }
    })
    .finish();
    let mut sum = 0;
    let sums = ITEMS.map(|item| {
        sum += item;
        sum
    });
    assert_eq!((array.to_vec().unwrap(), array.version()), (sums.to_vec(), 1));
}

/// (12) A new array must not show the items of a dropped one.
#[test]
fn a_new_array_is_zero_although_another_was_dropped() {
    for _ in 0..3 {
        let array = SharedArray::new(Filled(0, 10)).unwrap();
        let raw = SharedArray::options().unlocked().new(Filled(0, 10)).unwrap();
        assert_eq!((array.to_vec().unwrap(), raw.to_vec().unwrap()), (vec![0; 10], vec![0; 10]));
        array.write_slice(0, &ITEMS).unwrap();
        raw.write_slice(0, &ITEMS).unwrap();
        assert_eq!((array.to_vec().unwrap(), raw.to_vec().unwrap()), (ITEMS.to_vec(), ITEMS.to_vec()));
    }
}

/// (12) An arena uses the memory of removed values again: a new array there must not show old items either.
#[test]
fn a_new_array_is_zero_in_an_arena_too() {
    let name = SegmentName::new("zeros");
    let arena = Arena::create(&name, 1 << 16).unwrap();
    let array = arena.insert("array", &ITEMS[..]).unwrap();
    array.write_slice(0, &ITEMS).unwrap(); // Both slots have held the items.
    arena.remove("array").unwrap();
    let used = arena.used();
    drop((array, arena));

    name.wait_until_unused();
    let arena = Arena::open(&name).unwrap();
    let array = arena.insert("array", Filled(0, 10)).unwrap();
    assert_eq!(arena.used(), used, "the array lies in other memory");
    assert_eq!(array.to_vec().unwrap(), [0; 10]);
    array.set_at(9, 1).unwrap();
    assert_eq!(array.to_vec().unwrap(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
}

/// (13) An index that is out of bounds must neither be read nor written. A negative index does not compile, because an index
/// is a `usize`: the last item is at `len() - 1`.
#[test]
fn an_index_out_of_range_is_a_panic() {
    let array = SharedArray::new(&ITEMS).unwrap();
    assert_eq!(array.at(array.len() - 1), 831);
    assert!(panics(|| array.at(10)).contains("the index is 10 but the array has 10 elements"));
    assert!(panics(|| array.set_at(10, 1)).contains("the index is 10 but"));
    assert!(panics(|| array.update_at(10, |item| *item = 1)).contains("the index is 10 but"));
    assert!(panics(|| array.at(usize::MAX)).contains("but the array has 10 elements"));
    assert_eq!((array.to_vec().unwrap(), array.version()), (ITEMS.to_vec(), 0));
    drop(array.try_lock().expect("the lock is free"));
}

/// (14) A written part has the length of the slice. If the array ends before that, or a slice of another length is copied
/// into items, nothing may be written.
#[test]
fn a_part_of_another_length_writes_nothing() {
    let array = SharedArray::new(&ITEMS).unwrap();
    let message = panics(|| array.write_slice(8, &[1, 2, 3, 4]));
    assert_eq!(message, "4 elements from index 8 on were asked for, but the array has 10");
    let message = panics(|| array.read_slice(4..8, &mut [0; 3]));
    assert_eq!(message, "the range has 4 elements but the slice has 3");
    let message = panics(|| {
        array.update_all(|items| {
            items[0] = 1;
            items[4..8].copy_from_slice(&[1, 2, 3]);
        })
    });
    assert!(message.contains("source slice length (3) does not match"), "{message}");
    assert_eq!((array.to_vec().unwrap(), array.version()), (ITEMS.to_vec(), 0));
    drop(array.try_lock().expect("the panic has released the lock"));
    array.write_slice(4, &[1, 2, 3]).unwrap();
    assert_eq!(array.to_vec().unwrap(), [680, 626, 934, 821, 1, 2, 3, 982, 714, 831]);
}

/// (15) A bad item among good ones must not leave the good ones written.
#[test]
fn a_part_with_a_bad_item_writes_nothing() {
    let array = SharedArray::new(&ITEMS).unwrap();
    let replace = |texts: [&str; 3]| -> Result<(), Box<dyn std::error::Error>> {
        let guard = array.lock()?;
        for (index, text) in (2..).zip(texts) {
            match text.parse() {
                Ok(item) => guard.set_at(index, item)?,
                Err(bad) => {
                    guard.rollback();
                    return Err(Box::<std::num::ParseIntError>::new(bad));
                }
            }
        }
        Ok(())
    };
    replace(["1", "2", "three"]).unwrap_err();
    assert_eq!((array.to_vec().unwrap(), array.version()), (ITEMS.to_vec(), 0));
    replace(["1", "2", "3"]).unwrap();
    assert_eq!(array.to_vec().unwrap()[..6], [680, 626, 1, 2, 3, 233]);
}

/// (15) An array with a constant length must not be half-written either.
#[test]
fn an_update_with_a_bad_item_writes_nothing() {
    #[derive(Debug)]
    struct Bad;
    impl From<Error> for Bad {
        fn from(_: Error) -> Self {
            Self
        }
    }
    let array = Synchronized::new(ITEMS).unwrap();
    let replace = |texts: [&str; 3]| {
        array.try_update(|items| {
            for (item, text) in items[2..].iter_mut().zip(texts) {
                *item = text.parse().map_err(|_| Bad)?;
            }
            Ok::<_, Bad>(())
        })
    };
    assert!(replace(["1", "2", "three"]).is_err());
    assert_eq!((array.get(), array.version()), (ITEMS, 0));
    replace(["1", "2", "3"]).unwrap();
    assert_eq!(array.get()[..6], [680, 626, 1, 2, 3, 233]);
}

/// (16) An array may have no items, and must open and lock like any other.
#[test]
fn an_array_may_have_no_items() {
    let name = SegmentName::new("no-items");
    let array = SharedArray::<i32>::create(&name, &[]).unwrap();
    assert_eq!((array.len(), array.is_empty(), array.to_vec().unwrap()), (0, true, vec![]));
    assert_eq!(panics(|| array.at(0)), "the index is 0 but the array has 0 elements");
    fork(|| {
        let array = SharedArray::<i32>::open(&name).unwrap();
        let guard = array.lock().unwrap();
        guard.fill(1).unwrap();
        guard.write_slice(0, &[]).unwrap();
        assert_eq!((guard.len(), array.iter().next()), (0, None));
    })
    .finish();
    assert_eq!(SharedArray::<i32>::new(&[]).unwrap().iter().sum::<i32>(), 0);
}

/// (18 and 20) A child must double every item exactly, with a lock and without one.
#[test]
fn a_child_doubles_an_array() {
    fn is_doubled<A: Writable>(array: &SharedArray<f64, A>) {
        fork(|| {
            for index in 0..array.len() {
                array.update_at(index, |item| *item *= 2.0).unwrap();
            }
        })
        .finish();
        let doubled = [0.0_f64, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0];
        assert!(array.iter().map(f64::to_bits).eq(doubled.map(f64::to_bits)), "{array:?}");
    }
    let items: Vec<_> = (0..10).map(f64::from).collect();
    is_doubled(&SharedArray::new(&items).unwrap());
    is_doubled(&SharedArray::options().unlocked().new(&items).unwrap());
    is_doubled(&Arena::new(1 << 16).unwrap().insert("items", &items).unwrap());
}
