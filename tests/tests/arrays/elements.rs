//! Single elements: their index, their bits, their copies.

use std::panic::{self, AssertUnwindSafe};

use shared_value::{SharedArray, SharedValue};
use shared_value_tests::values::{Grain, Padded};
use shared_value_tests::{SegmentFile, SegmentName, in_time};

use crate::panicked;

/// Without the index in the message, one bad element of a million cannot be found.
#[test]
fn invalid_bits_name_their_element() {
    let name = SegmentName::new("array-invalid");
    let values = [true; 1_000];
    let array = SharedArray::create(&name, &values).unwrap();
    SegmentFile::open(name.path()).cell(values.len()).overwrite(777, &[2]);
    let message = "`[777]` holds invalid bits: expected 0 or 1 (bool), found 0x02";
    assert_eq!(array.to_vec().unwrap_err().to_string(), message);
    assert_eq!(panicked(|| array.iter()), message);
    assert_eq!(panicked(|| array.at(777)), message);
    assert_eq!(array.update_at(777, |_| ()).unwrap_err().to_string(), message);
    assert_eq!(array.update_all(|_| ()).unwrap_err().to_string(), message);
    let mut part = [false; 100];
    assert_eq!(array.read_slice(700..800, &mut part).unwrap_err().to_string(), message);
    assert_eq!(part, [false; 100], "the slice is unchanged");
    assert_eq!(array.lock().unwrap().read_slice(700..800, &mut part).unwrap_err().to_string(), message);
    array.read_slice(600..700, &mut part).unwrap();
    assert!(part[99] && format!("{array:?}").contains("true, .."), "{array:?}");
    array.set_at(777, false).unwrap();
    assert!(!array.to_vec().unwrap()[777]);

    let name = SegmentName::new("array-invalid-field");
    let array = SharedArray::create(&name, &[Padded::of(1), Padded::of(2)]).unwrap();
    let flag = std::mem::offset_of!(Padded, grains) + 2 * size_of::<Grain>() + std::mem::offset_of!(Grain, is_set);
    SegmentFile::open(name.path()).cell(2 * size_of::<Padded>()).overwrite(size_of::<Padded>() + flag, &[9]);
    let error = array.to_vec().unwrap_err().to_string();
    assert!(error.starts_with("`[1].grains[2].is_set` holds invalid bits"), "{error}");
}

/// A `clone` of the user that panics under the lock would leave it locked.
#[test]
fn elements_are_copied_and_not_cloned() {
    #[derive(SharedValue, Copy, PartialEq, Debug)]
    #[repr(C)]
    struct Loud(u64);

    #[expect(
        clippy::expl_impl_clone_on_copy,
        clippy::non_canonical_clone_impl,
        reason = "this is what the test looks for"
    )]
    impl Clone for Loud {
        fn clone(&self) -> Self {
            panic!("an element was cloned")
        }
    }

    in_time(|| {
        let array = SharedArray::new(&[Loud(1), Loud(2), Loud(3)]).unwrap();
        for number in 4..6 {
            let filled = panic::catch_unwind(AssertUnwindSafe(|| array.fill(Loud(number))));
            assert!(matches!(filled, Ok(Ok(()))), "{filled:?}");
            assert_eq!(array.try_lock().unwrap().at(2), Loud(number));
        }
        let guard = array.lock().unwrap();
        guard.fill(Loud(6)).unwrap();
        assert_eq!(guard.at(0), Loud(6));
    });
}

/// An index that is not checked would lead to other memory; one that is checked too late would leave half a write.
#[test]
fn an_index_out_of_bounds_panics() {
    let array = SharedArray::new(&[1_u8, 2, 3]).unwrap();
    let message = "the index is 3 but the array has 3 elements";
    assert_eq!(panicked(|| array.at(3)), message);
    assert_eq!(panicked(|| array.set_at(3, 0)), message);
    assert_eq!(panicked(|| array.update_at(3, |_| ())), message);
    let message = "2 elements from index 2 on were asked for, but the array has 3";
    assert_eq!(panicked(|| array.write_slice(2, &[0; 2])), message);
    assert_eq!(panicked(|| array.read_slice(1..3, &mut [0; 3])), "the range has 2 elements but the slice has 3");
    assert_eq!(
        panicked(|| array.read_slice(2..4, &mut [0; 2])),
        "the elements 2..4 were asked for, but the array has 3"
    );
    let guard = array.lock().unwrap();
    assert_eq!(panicked(|| guard.write_slice(2, &[0; 2])), message);
    assert_eq!(panicked(|| guard.set_at(3, 0)), "the index is 3 but the array has 3 elements");
    drop(guard);
    assert_eq!((array.to_vec().unwrap(), array.version()), (vec![1, 2, 3], 0));
}
