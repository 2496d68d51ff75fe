//! Arrays: `Array(typecode, items)`.

use std::panic::{self, AssertUnwindSafe};

use shared_value::{Arena, Error, LockState, Options, RLock, SharedArray, Synchronized, Unlocked, Writable};
use shared_value_tests::{SegmentName, end_now, eventually, fork};

const ITEMS: [i32; 10] = [680, 626, 934, 821, 150, 233, 548, 982, 714, 831];

/// The message of what panics.
#[track_caller]
fn panics<R>(body: impl FnOnce() -> R) -> String {
    match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(_) => panic!("it should have panicked"),
        Err(panicked) => *panicked.downcast::<String>().expect("a message with numbers in it"),
    }
}

/// (5) Without being asked for, the lock of an array is there, and its owner may take it again.
#[test]
fn an_array_has_a_recursive_lock_of_its_own() {
    let array = SharedArray::new(&ITEMS).unwrap();
    let outer = array.lock().unwrap();
    let inner = array.lock().unwrap();
    inner.set(3, 1).unwrap();
    drop(inner);
    assert_eq!((outer.get(3), array.lock_state()), (1, LockState::HeldHere));
    fork(|| {
        assert_eq!(array.get(3), 821, "it is not committed");
        assert!(matches!(array.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
    })
    .finish();
    drop(outer);
    assert_eq!((array.get(3), array.lock_state(), array.version()), (1, LockState::Free, 1));
}

/// (6) An array and a value that were given one lock are locked and unlocked together, in every process.
#[test]
fn an_array_is_locked_by_the_lock_that_was_given_it() {
    let lock = RLock::new().unwrap();
    let guarded = Synchronized::options().lock(&lock);
    let (array, sum) = (guarded.new(&ITEMS).unwrap(), guarded.new(0_i32).unwrap());
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

/// (7) An array without a lock must not wait for anything, and its items are there at once.
#[test]
fn an_array_without_a_lock_is_written_at_once() {
    let array = SharedArray::<i32>::options().unlocked().new(&ITEMS).unwrap();
    let child = fork(|| {
        array
            .update(0, |item| {
                *item += 1;
                array.set(1, -1).unwrap();
                // Nobody waits for the end of this closure.
                eventually("the parent writes meanwhile", || array.get(9) == -2);
            })
            .unwrap();
    });
    eventually("the child writes", || array.get(1) == -1);
    array.write(8, &[-3, -2]).unwrap();
    child.finish();
    assert_eq!(array.to_vec().unwrap(), [681, -1, 934, 821, 150, 233, 548, 982, -3, -2]);
    assert_eq!((array.version(), array.lock_state()), (0, LockState::Free));
}

/// (9) Items and parts of an array are those that it was made of.
#[test]
fn an_array_has_the_items_that_it_was_made_of() {
    // From a list of which nobody knows the length before the program runs.
    let list: Vec<_> = ITEMS.iter().copied().filter(|item| *item > 0).collect();
    let array = SharedArray::new(&list).unwrap();
    let mut part = [0; 5];
    array.read(2..7, &mut part).unwrap();
    assert_eq!((array.len(), array.get(3), part), (10, 821, [934, 821, 150, 233, 548]));
    assert_eq!(array.to_vec().unwrap(), ITEMS);
    assert!((&array).into_iter().eq(ITEMS));
}

/// (9 and 10) An array whose length belongs to its type is a value as any other: it is read as a copy, and changed as one.
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

/// (10) A part of an array is replaced in one commit, and the rest stays.
#[test]
fn a_part_of_an_array_is_replaced() {
    let array = SharedArray::new(&ITEMS).unwrap();
    array.write(4, &[1, 2, 3, 4]).unwrap();
    assert_eq!(array.to_vec().unwrap(), [680, 626, 934, 821, 1, 2, 3, 4, 714, 831]);
    assert_eq!(array.version(), 1);
}

/// (11) What a child makes of an array, its parent sees.
#[test]
fn a_child_sums_up_an_array() {
    let array = SharedArray::new(&ITEMS).unwrap();
    fork(|| {
        let guard = array.lock().unwrap();
        for index in 1..guard.len() {
            guard.set(index, guard.get(index) + guard.get(index - 1)).unwrap();
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

/// (12) A new array must not show what another one held that was dropped.
#[test]
fn a_new_array_is_zero_although_another_was_dropped() {
    for _ in 0..3 {
        let (array, raw) =
            (SharedArray::<i32>::new(10).unwrap(), SharedArray::<i32>::options().unlocked().new(10).unwrap());
        assert_eq!((array.to_vec().unwrap(), raw.to_vec().unwrap()), (vec![0; 10], vec![0; 10]));
        array.write(0, &ITEMS).unwrap();
        raw.write(0, &ITEMS).unwrap();
        assert_eq!((array.to_vec().unwrap(), raw.to_vec().unwrap()), (ITEMS.to_vec(), ITEMS.to_vec()));
    }
}

/// (12) Nor may it where it lies in the same memory: in an arena, that of what was removed is used again.
#[test]
fn a_new_array_is_zero_in_an_arena_too() {
    let name = SegmentName::new("zeros");
    let arena = Arena::create(&name, 1 << 16).unwrap();
    let array = arena.create_array("array", &ITEMS).unwrap();
    array.write(0, &ITEMS).unwrap(); // So that both slots have held them.
    arena.remove("array").unwrap();
    let used = arena.used();
    drop((array, arena));

    name.wait_until_unused();
    let arena = Arena::open(&name).unwrap();
    let array = arena.create_array::<i32>("array", 10).unwrap();
    assert_eq!(arena.used(), used, "it lies elsewhere");
    assert_eq!(array.to_vec().unwrap(), [0; 10]);
    array.set(9, 1).unwrap();
    assert_eq!(array.to_vec().unwrap(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
}

/// (13) An index that is out of range must neither be read nor written. Negative ones do not compile, since an index is a
/// `usize`: the last item is at `len() - 1`.
#[test]
fn an_index_out_of_range_is_a_panic() {
    let array = SharedArray::new(&ITEMS).unwrap();
    assert_eq!(array.get(array.len() - 1), 831);
    assert!(panics(|| array.get(10)).contains("the index is 10 but the array has 10 elements"));
    assert!(panics(|| array.set(10, 1)).contains("the index is 10 but"));
    assert!(panics(|| array.update(10, |item| *item = 1)).contains("the index is 10 but"));
    assert!(panics(|| array.get(usize::MAX)).contains("but the array has 10 elements"));
    assert_eq!((array.to_vec().unwrap(), array.version()), (ITEMS.to_vec(), 0));
    drop(array.try_lock().expect("the lock was not taken, or released"));
}

/// (14) A part that is written has the length of the slice, so that there is no other; but where the array ends before it, or
/// a part of another length is copied into items, nothing may be written.
#[test]
fn a_part_of_another_length_writes_nothing() {
    let array = SharedArray::new(&ITEMS).unwrap();
    let message = panics(|| array.write(8, &[1, 2, 3, 4]));
    assert_eq!(message, "4 elements from index 8 on were asked for, but the array has 10");
    let message = panics(|| array.read(4..8, &mut [0; 3]));
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
    array.write(4, &[1, 2, 3]).unwrap();
    assert_eq!(array.to_vec().unwrap(), [680, 626, 934, 821, 1, 2, 3, 982, 714, 831]);
}

/// (15) One bad item among good ones must not leave the good ones written.
#[test]
fn a_part_with_a_bad_item_writes_nothing() {
    let array = SharedArray::new(&ITEMS).unwrap();
    let replace = |texts: [&str; 3]| -> Result<(), Box<dyn std::error::Error>> {
        let guard = array.lock()?;
        for (index, text) in (2..).zip(texts) {
            match text.parse() {
                Ok(item) => guard.set(index, item),
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

/// (15) The same where the length belongs to the type.
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

/// (16) An array of nothing is one, and goes wherever another does.
#[test]
fn an_array_may_have_no_items() {
    let name = SegmentName::new("no-items");
    let array = SharedArray::<i32>::create(&name, 0).unwrap();
    assert_eq!((array.len(), array.is_empty(), array.to_vec().unwrap()), (0, true, vec![]));
    assert_eq!(panics(|| array.get(0)), "the index is 0 but the array has 0 elements");
    fork(|| {
        let array = SharedArray::<i32>::open(&name).unwrap();
        let guard = array.lock().unwrap();
        guard.fill(1).unwrap();
        guard.write(0, &[]).unwrap();
        assert_eq!((guard.len(), array.iter().next()), (0, None));
    })
    .finish();
    assert_eq!(SharedArray::<i32>::new(&[]).unwrap().iter().sum::<i32>(), 0);
}

/// (18 and 20) Every item is doubled, exactly, with a lock and without one.
#[test]
fn a_child_doubles_an_array() {
    fn is_doubled<A: Writable>(array: &SharedArray<f64, A>) {
        fork(|| {
            for index in 0..array.len() {
                array.update(index, |item| *item *= 2.0).unwrap();
            }
        })
        .finish();
        let doubled = [0.0_f64, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0];
        assert!(array.iter().map(f64::to_bits).eq(doubled.map(f64::to_bits)), "{array:?}");
    }
    let items: Vec<_> = (0..10).map(f64::from).collect();
    is_doubled(&SharedArray::new(&items).unwrap());
    is_doubled(&SharedArray::options().unlocked().new(&items).unwrap());
    is_doubled(&Arena::anonymous(1 << 16).unwrap().array(&items).unwrap());
}
