//! `BlockId`: a block of an arena, and its generation.

use core::fmt;

use crate::heap::blocks::{TRAILER, Trailer};

/// The place of a block, and how often the block was used before: the id of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BlockId(u64);

const GENERATION_BITS: u32 = 16;

impl BlockId {
    #[expect(clippy::cast_possible_truncation, reason = "generations begin again")]
    pub(crate) fn of(block: &Trailer) -> Self {
        Self(((block.at / TRAILER) as u64) << GENERATION_BITS | u64::from(block.generation as u16))
    }

    /// Returns the offset of the block's trailer.
    pub(crate) fn trailer(self) -> usize {
        (self.0 >> GENERATION_BITS) as usize * TRAILER
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower bits are the generation")]
    pub(crate) fn generation(self) -> u64 {
        u64::from(self.0 as u16)
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
