//! Arrays of no elements, of very many, and of too many.

use std::num::NonZeroU32;

use shared_value::{Error, Filled, SharedArray};

/// An array of no elements has no byte to lock, read or check.
#[test]
fn an_array_may_be_empty() {
    let array = SharedArray::new(Filled(0.0, 0)).unwrap();
    assert!(array.is_empty() && array.to_vec().unwrap().is_empty() && array.iter().next().is_none());
    array.fill(1.0).unwrap();
    array.write_slice(0, &[]).unwrap();
    array.read_slice(.., &mut []).unwrap();
    array.update_all(|all| assert!(all.is_empty())).unwrap();
    array.lock().unwrap().fill(2.0).unwrap();
    assert!(SharedArray::<NonZeroU32>::new(&[]).unwrap().is_empty());
}

/// Zeros take no memory before they are written, so an array may have more elements than there is memory for.
#[test]
fn zeros_take_no_memory() {
    let array = SharedArray::new(Filled(0_u64, 1 << 40)).unwrap();
    array.set_at(1 << 39, 7).unwrap();
    array.update_at((1 << 40) - 1, |last| *last += 1).unwrap();
    assert_eq!((array.at(1 << 39), array.at((1 << 40) - 1), array.at(12_345)), (7, 1, 0));
    assert_eq!(array.version(), 2);
}

/// Without the check, the length of the file would overflow, or the creator would be killed for lack of memory.
#[test]
fn an_array_that_no_memory_holds_is_an_error() {
    for length in [usize::MAX, usize::MAX / 8, 1 << 55, 1 << 48] {
        let error = SharedArray::new(Filled(0_u64, length)).unwrap_err();
        assert!(matches!(&error, Error::Io { .. }), "{error}");
    }
}
