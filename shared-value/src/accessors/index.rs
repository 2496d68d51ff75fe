//! Where the elements of an array lie, by index. An index that is out of bounds panics at the caller.

use std::ops::{Bound, Range, RangeBounds};

/// Returns where the element with this index starts, counted in bytes from the start of the array.
///
/// # Panics
/// If `index` is out of bounds.
#[inline(always)]
#[track_caller]
pub(crate) fn element<E>(length: usize, index: usize) -> usize {
    assert!(index < length, "the index is {index} but the array has {length} elements");
    index * size_of::<E>()
}

/// Returns the bytes of `count` elements from `start` on.
///
/// # Panics
/// If the elements are out of bounds.
#[inline]
#[track_caller]
pub(crate) fn run<E>(length: usize, start: usize, count: usize) -> Range<usize> {
    assert!(
        start <= length && count <= length - start,
        "{count} elements from index {start} on were asked for, but the array has {length}"
    );
    start * size_of::<E>()..(start + count) * size_of::<E>()
}

/// Returns the bytes of a range of elements, which are copied from or to a slice of `count` elements.
///
/// # Panics
/// If the range is out of bounds, or does not have `count` elements.
#[inline]
#[track_caller]
pub(crate) fn range<E>(length: usize, range: impl RangeBounds<usize>, count: usize) -> Range<usize> {
    let start = match range.start_bound() {
        Bound::Included(start) => Some(*start),
        Bound::Excluded(before) => before.checked_add(1),
        Bound::Unbounded => Some(0),
    };
    let end = match range.end_bound() {
        Bound::Included(last) => last.checked_add(1),
        Bound::Excluded(end) => Some(*end),
        Bound::Unbounded => Some(length),
    };
    let (Some(start), Some(end)) = (start, end) else { panic!("no array has so many elements") };
    assert!(start <= end && end <= length, "the elements {start}..{end} were asked for, but the array has {length}");
    assert!(end - start == count, "the range has {} elements but the slice has {count}", end - start);
    run::<E>(length, start, count)
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn places() {
        assert_eq!(element::<u32>(4, 3), 12);
        assert_eq!(run::<u32>(4, 4, 0), 16..16);
        assert_eq!(range::<u32>(4, .., 4), 0..16);
        assert_eq!(range::<u32>(4, 1..=2, 2), 4..12);
        assert_eq!(range::<u32>(4, (Bound::Excluded(0), Bound::Unbounded), 3), 4..16);
        assert_eq!(range::<u32>(0, .., 0), 0..0);
    }

    /// Without this, bytes behind the array would be read or written, or the computation of the offset would overflow.
    #[test]
    fn places_that_do_not_exist() {
        assert!(catch_unwind(|| element::<u32>(4, 4)).is_err());
        assert!(catch_unwind(|| element::<u32>(0, 0)).is_err());
        assert!(catch_unwind(|| run::<u32>(4, 5, 0)).is_err());
        assert!(catch_unwind(|| run::<u32>(4, 3, 2)).is_err());
        assert!(catch_unwind(|| run::<u32>(4, usize::MAX, usize::MAX)).is_err());
        assert!(catch_unwind(|| range::<u32>(4, 0..5, 5)).is_err());
        assert!(catch_unwind(|| range::<u32>(4, 0..3, 2)).is_err());
        assert!(catch_unwind(|| range::<u32>(4, 0..=usize::MAX, 0)).is_err());
        #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
        let reversed = catch_unwind(|| range::<u32>(4, 3..2, 0));
        assert!(reversed.is_err());
    }
}
