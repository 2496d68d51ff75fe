//! `BlockId`: a block of an arena, and its generation.

use core::fmt;

use crate::format::CELL_ALIGN;
use crate::heap::blocks::{Heap, TRAILER, Trailer};
use crate::heap::usize_of;

/// The place of a block, and its generation: the id of a value.
///
/// As many of the lowest bits as the length of the segment needs say where the last 64 bytes of the block lie, in units of 64
/// bytes. The other bits are the generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BlockId(u64);

impl BlockId {
    pub(crate) fn of(heap: Heap<'_>, block: &Trailer) -> Self {
        Self(block.generation << heap.place_bits() | (block.at / CELL_ALIGN) as u64)
    }

    /// Returns the offset of the block's trailer.
    pub(crate) fn trailer(self, heap: Heap<'_>) -> usize {
        let place = self.0 & ((1 << heap.place_bits()) - 1);
        usize_of(place) * CELL_ALIGN + (CELL_ALIGN - TRAILER)
    }

    pub(crate) fn generation(self, heap: Heap<'_>) -> u64 {
        self.0 >> heap.place_bits()
    }

    /// Returns the id as a number, to store it.
    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }

    /// Returns the id for a number from `to_bits`. Any other number makes an id that finds nothing, or some value.
    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
