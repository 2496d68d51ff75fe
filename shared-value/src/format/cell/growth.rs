//! `Growth`: where the elements of a value lie whose number changes, and their number.

use crate::error::Error;
use crate::protocol::atomics::{AtomicU64, Ordering};

/// Far more than a process can map, and small enough that the size of three such slots in bytes does not overflow: a cell takes
/// less than that.
const LARGEST: usize = 1 << 56;

/// The names of the newtypes that texts and bytes whose length changes have in their schema.
pub(crate) const TEXT: &str = "SharedString";
pub(crate) const BYTES: &str = "SharedBytes";

/// The sizes of a value whose number of elements changes.
///
/// ```text
///  0  the number of elements, and 56 bytes of zeros
/// 64  the elements: those at or behind the number mean nothing
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Growth {
    /// The bytes of an element.
    element: usize,
    /// The greatest number of elements.
    capacity: usize,
}

impl Growth {
    /// The bytes before the elements in each slot: their number, and zeros.
    pub(crate) const HEAD: usize = 64;

    /// Returns the growth of a value of at most this many elements, unless no memory is that large.
    pub(crate) fn of_capacity(element: usize, capacity: usize) -> Option<Self> {
        capacity.checked_mul(element).filter(|bytes| *bytes <= LARGEST).map(|_| Self { element, capacity })
    }

    /// Returns the growth of a value of this size, if a value can have it.
    #[inline]
    pub(crate) fn of_size(element: usize, size: usize) -> Option<Self> {
        let bytes = size.checked_sub(Self::HEAD).filter(|bytes| *bytes <= LARGEST && bytes.is_multiple_of(element))?;
        Some(Self { element, capacity: bytes / element })
    }

    /// Returns the bytes of an element.
    pub(crate) fn element(self) -> usize {
        self.element
    }

    /// Returns the greatest number of elements.
    #[inline(always)]
    pub(crate) fn capacity(self) -> usize {
        self.capacity
    }

    /// Returns the bytes of a slot.
    #[inline(always)]
    pub(crate) fn size(self) -> usize {
        self.end_of(self.capacity)
    }

    /// Returns how many bytes of a slot this many elements use.
    #[inline(always)]
    pub(crate) fn end_of(self, length: usize) -> usize {
        Self::HEAD + length * self.element
    }

    /// Returns the number of elements in a slot.
    ///
    /// # Errors
    /// The number, if it is greater than the capacity: a process has written it without this library.
    #[inline(always)]
    pub(crate) fn length(self, slot: &[AtomicU64]) -> Result<usize, Excess> {
        let found = slot[0].load(Ordering::Relaxed);
        usize::try_from(found).ok().filter(|length| *length <= self.capacity).ok_or(Excess {
            found,
            most: self.capacity,
            of: "the capacity",
        })
    }

    /// Returns how many bytes of the slots mean something in one of them.
    pub(crate) fn used(self, slots: [&[AtomicU64]; 2]) -> usize {
        // A number that is too large means nothing.
        let lengths = slots.map(|slot| self.length(slot).unwrap_or(0));
        self.end_of(lengths.into_iter().max().unwrap_or(0))
    }
}

/// A number of elements that is greater than the capacity, or than there is memory for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Excess {
    found: u64,
    most: usize,
    of: &'static str,
}

impl Excess {
    /// Returns the error for a number of elements for which the file has no memory.
    #[cold]
    pub(crate) fn without_memory(length: usize) -> Self {
        Self { found: length as u64, most: length.saturating_sub(1), of: "as the memory of the file shows" }
    }

    /// Returns the error.
    #[cold]
    pub(crate) fn error(self) -> Error {
        Error::InvalidBits {
            field: "number of elements".to_owned(),
            expected: format!("at most {}, {}", self.most, self.of),
            found: self.found.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(number: u64) -> [AtomicU64; 8] {
        let words = [number, 0, 0, 0, 0, 0, 0, 0];
        words.map(AtomicU64::new)
    }

    #[test]
    fn sizes() {
        let growth = Growth::of_capacity(12, 5).unwrap();
        assert_eq!((growth.size(), growth.end_of(2)), (124, 88));
        assert_eq!(Growth::of_size(12, 124), Some(growth));
        assert_eq!(Growth::of_size(12, 125), None);
        assert_eq!(Growth::of_size(12, 63), None);
        assert_eq!(Growth::of_size(1, usize::MAX), None);
        assert_eq!(Growth::of_capacity(2, usize::MAX), None);
        assert_eq!(Growth::of_capacity(1, usize::MAX), None);
    }

    /// If a number above the capacity were believed, bytes behind the slot would be read.
    #[test]
    fn a_number_above_the_capacity() {
        let growth = Growth::of_capacity(12, 5).unwrap();
        assert_eq!(growth.length(&slot(5)).unwrap(), 5);
        for number in [6, 1 << 40, u64::MAX] {
            let error = growth.length(&slot(number)).unwrap_err().error().to_string();
            assert!(error.ends_with(&format!("expected at most 5, the capacity, found {number}")), "{error}");
            assert_eq!(growth.used([&slot(number), &slot(1)]), 76);
        }
    }
}
