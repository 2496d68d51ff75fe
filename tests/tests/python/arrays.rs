//! Arrays: `Array(typecode, items)`. Here their length belongs to their type.

use std::panic::{self, AssertUnwindSafe};

use shared_value::{Error, Synchronized, Writable};
use shared_value_tests::fork;

const ITEMS: [i32; 10] = [680, 626, 934, 821, 150, 233, 548, 982, 714, 831];

/// The message of what panics.
#[track_caller]
fn panics<R>(body: impl FnOnce() -> R) -> String {
    match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(_) => panic!("it should have panicked"),
        Err(panicked) => *panicked.downcast::<String>().expect("a message with numbers in it"),
    }
}

/// (9) Items and parts of an array are those that it was made of.
#[test]
fn an_array_has_the_items_that_it_was_made_of() {
    let array = Synchronized::new(ITEMS).unwrap();
    assert_eq!((array.get(), array.get().len()), (ITEMS, 10));
    assert_eq!(array.at(3), 821);
    assert_eq!(array.get()[2..7], [934, 821, 150, 233, 548]);
}

/// (10) A part of an array is replaced in one commit, and the rest stays.
#[test]
fn a_part_of_an_array_is_replaced() {
    let array = Synchronized::new(ITEMS).unwrap();
    array.update(|items| items[4..8].copy_from_slice(&[1, 2, 3, 4])).unwrap();
    assert_eq!((array.get(), array.version()), ([680, 626, 934, 821, 1, 2, 3, 4, 714, 831], 1));
}

/// (11) What a child makes of an array, its parent sees.
#[test]
fn a_child_sums_up_an_array() {
    let array = Synchronized::new(ITEMS).unwrap();
    fork(|| {
        array.update(|items| (1..items.len()).for_each(|index| items[index] += items[index - 1])).unwrap();
    })
    .finish();
    let mut sum = 0;
    assert_eq!(
        array.get(),
        ITEMS.map(|item| {
            sum += item;
            sum
        })
    );
}

/// (12) A new array must not show what another one held that was dropped.
#[test]
fn a_new_array_is_zero_although_another_was_dropped() {
    for _ in 0..3 {
        let array = Synchronized::new([0_i32; 10]).unwrap();
        assert_eq!(array.get(), [0; 10]);
        array.set(ITEMS).unwrap();
        assert_eq!(array.get(), ITEMS);
    }
}

/// (13) An index that is out of range must neither be read nor written. Negative ones do not compile, since an index is a
/// `usize`: the last item is at `N - 1`.
#[test]
fn an_index_out_of_range_is_a_panic() {
    let array = Synchronized::new(ITEMS).unwrap();
    assert_eq!(array.at(ITEMS.len() - 1), 831);
    assert!(panics(|| array.at(10)).contains("the index is 10 but the array has 10 elements"));
    assert!(panics(|| array.set_at(10, 1)).contains("the index is 10 but"));
    assert!(panics(|| array.at(usize::MAX)).contains("but the array has 10 elements"));
    assert_eq!((array.get(), array.version()), (ITEMS, 0));
}

/// (14) Where a part of another length is written, nothing may be.
#[test]
fn a_part_of_another_length_writes_nothing() {
    let array = Synchronized::new(ITEMS).unwrap();
    let message = panics(|| array.update(|items| items[4..8].copy_from_slice(&[1, 2, 3])));
    assert!(message.contains("source slice length (3) does not match"), "{message}");
    assert_eq!((array.get(), array.version()), (ITEMS, 0));
    drop(array.try_lock().expect("the panic has released the lock"));
}

/// (15) One bad item among good ones must not leave the good ones written.
#[test]
fn a_part_with_a_bad_item_writes_nothing() {
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

/// (18 and 20) Every item is doubled, exactly, with a lock and without one.
#[test]
fn a_child_doubles_an_array() {
    fn is_doubled<A: Writable>(array: &Synchronized<[f64; 10], A>) {
        fork(|| array.update(|items| items.iter_mut().for_each(|item| *item *= 2.0)).unwrap()).finish();
        let doubled = [0.0_f64, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0];
        assert_eq!(array.get().map(f64::to_bits), doubled.map(f64::to_bits));
    }
    let items = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
    is_doubled(&Synchronized::new(items).unwrap());
    is_doubled(&Synchronized::unlocked(items).unwrap());
}
