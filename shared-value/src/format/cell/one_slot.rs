//! `OneSlot`: contents that lie in one slot, without versions.

use std::marker::PhantomData;

use crate::error::Error;
use crate::format::cell::contents::{Contents, Shape};

/// The contents `C` in a cell with one slot: plain memory beside a lock, which is written in place.
pub struct OneSlot<C: ?Sized> {
    contents: PhantomData<fn() -> C>,
}

impl<C: Contents + ?Sized> Contents for OneSlot<C> {
    type Facts = C::Facts;

    const IS_ONE_SLOT: bool = true;

    #[inline(always)]
    fn shape(facts: &C::Facts) -> Shape {
        C::shape(facts).slotted(true)
    }

    #[inline(always)]
    fn has_reserved(shape: Shape) -> bool {
        C::has_reserved(shape)
    }

    fn used_at_first(facts: &C::Facts) -> usize {
        C::used_at_first(facts)
    }

    fn invalid_bits(invalid: usize, place: usize, bytes: &[u8]) -> Error {
        C::invalid_bits(invalid, place, bytes)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// docs/format.md says where the parts lie; programs in other languages compute the same places.
    #[test]
    fn a_cell_with_one_slot_is_a_line_the_slot_and_the_atomic_words() {
        let lengths = |size, atomics| Shape::of(size, atomics).slotted(true).length();
        assert_eq!([lengths(0, 0), lengths(1, 0), lengths(8, 0), lengths(65, 0)], [64, 72, 72, 136]);
        assert_eq!([lengths(8, 1), lengths(64, 2), lengths(72, 1)], [136, 144, 200]);
        // No marks, however large it is.
        let large = Shape::of(1 << 20, 3).slotted(true);
        assert_eq!((large.marks(), large.length()), (0, 64 + (1 << 20) + 24));
        assert_eq!((large.atomics_start(), large.slots()), (1 << 17, 1 << 17));
    }
}
