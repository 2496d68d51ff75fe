//! The index of an arena: for each page of the segment, where blocks end, where free blocks start, which blocks wait to be
//! free, and how many blocks have ended in the page so far.
//!
//! ```text
//! end of the segment, down to a multiple of 64
//!   -  512  heads of the lists of free blocks
//!   - 1024  journal
//!   - 1056  entry of page 0: ends (64 bits, one for each 64 bytes), starts (64 bits), generation,
//!          waiting (64 bits)
//!   - 1088  entry of page 1
//! ```
//! A page has 4096 bytes. The bit of a block is the one for its last 64 bytes. All blocks that end in a page get different
//! generations, so no id is ever made twice: an id consists of the place and the generation. When the generations of a page
//! are used up, no block ends there any more.

use crate::heap::blocks::words::Heap;
use crate::protocol::atomics::{AtomicU64, Ordering};

const WORD: usize = size_of::<u64>();
/// The bytes that an entry of the index describes.
pub(crate) const PAGE: usize = 4096;
const ENTRY: usize = 32;
/// The bytes of the journal, and of the heads.
pub(super) const JOURNAL: usize = 512;
const HEADS: usize = 512;
/// The granularity of blocks.
const UNIT: usize = 64;
/// The bits of a trailer's first word that hold the generation.
const GENERATION_BITS: u32 = 56;
/// The pages before the blocks: more than header, schema and directory take.
const FIRST_PAGES: usize = 32;

/// Which bits of an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bits {
    /// Blocks end here.
    Ends = 0,
    /// Free blocks start here.
    Starts = 1,
    /// Blocks end here that are free as soon as no handle of them is open.
    Waiting = 3,
}

const GENERATION: usize = 2;

/// Returns the number of bytes that the index of an arena with this capacity takes behind the blocks.
pub(crate) fn length(capacity: u64) -> u64 {
    let pages = capacity / PAGE as u64 + FIRST_PAGES as u64;
    pages * ENTRY as u64 + (JOURNAL + HEADS + UNIT) as u64
}

/// Returns two offsets up to which to allocate memory for blocks. The first lies a little ahead, in steps that grow with the
/// arena. The second is the least that is needed, for a system that is short of memory.
pub(crate) fn reservations(needed: usize, limit: usize) -> [usize; 2] {
    const LEAST: usize = 16 << 10;
    const MOST: usize = 4 << 20;
    let step = (needed / 8).clamp(LEAST, MOST);
    [needed + step, needed].map(|end| end.next_multiple_of(PAGE).min(limit))
}

#[inline(always)]
pub(in crate::heap) fn bit(place: usize) -> u64 {
    1 << (place / UNIT % 64)
}

impl<'a> Heap<'a> {
    /// Returns where the journal starts. The entries of the index lie below, that of the first page last.
    #[inline(always)]
    pub(super) fn journal_offset(self) -> usize {
        (self.end_of_segment() & !(UNIT - 1)).saturating_sub(JOURNAL + HEADS)
    }

    /// Returns where the head of a list of free blocks lies.
    pub(super) fn head_offset(self, class: usize) -> usize {
        self.journal_offset() + JOURNAL + class * WORD
    }

    #[inline(always)]
    fn entry_offset(self, place: usize) -> usize {
        self.journal_offset().wrapping_sub((place / PAGE + 1) * ENTRY)
    }

    /// Returns where the bits of a place lie.
    #[inline(always)]
    pub(super) fn bits_offset(self, bits: Bits, place: usize) -> usize {
        self.entry_offset(place) + bits as usize * WORD
    }

    pub(super) fn generation_offset(self, place: usize) -> usize {
        self.entry_offset(place) + GENERATION * WORD
    }

    /// Returns the word that has the bit of a place.
    #[inline(always)]
    pub(in crate::heap) fn bits(self, bits: Bits, place: usize) -> Option<&'a AtomicU64> {
        self.word(self.bits_offset(bits, place))
    }

    /// Returns whether a bit is set.
    #[inline(always)]
    pub(crate) fn is_set(self, bits: Bits, place: usize) -> bool {
        // Acquire: pairs with the release of the journal, so the trailer of a block that ends here is seen.
        self.bits(bits, place).is_some_and(|word| word.load(Ordering::Acquire) & bit(place) != 0)
    }

    /// Returns whether the block with this trailer waits to be free.
    pub(crate) fn is_waiting(self, at: usize) -> bool {
        self.is_set(Bits::Waiting, at)
    }

    /// Returns the place of the last block that ends at or before `place`, and not before the first block.
    pub(crate) fn last_end(self, place: usize) -> Option<usize> {
        let mut place = place;
        loop {
            let word = self.word(self.bits_offset(Bits::Ends, place))?.load(Ordering::Acquire);
            let below = word & (u64::MAX >> (63 - place / UNIT % 64));
            let page = place / PAGE * PAGE;
            if below != 0 {
                return Some(page + below.ilog2() as usize * UNIT).filter(|place| *place >= self.start());
            }
            place = page.checked_sub(UNIT).filter(|place| *place >= self.start())?;
        }
    }

    /// Returns the number of bits of an id that say where the block lies.
    #[inline(always)]
    pub(crate) fn place_bits(self) -> u32 {
        usize::BITS - (self.end_of_segment() / UNIT).leading_zeros()
    }

    /// Returns the greatest generation.
    pub(super) fn last_generation(self) -> u64 {
        (1 << (u64::BITS - self.place_bits()).min(GENERATION_BITS)) - 1
    }

    /// Returns whether no further block may end here.
    pub(crate) fn is_used_up(self, end: usize) -> bool {
        let place = end - UNIT;
        self.word(self.generation_offset(place))
            .is_none_or(|word| word.load(Ordering::Relaxed) >= self.last_generation())
    }

    /// Returns where the blocks must end, so that the index has room for all that end before, in an arena of this capacity.
    pub(crate) fn limit(self, capacity: u64) -> usize {
        let end = usize::try_from(capacity).ok().and_then(|capacity| self.start().checked_add(capacity));
        let end = end.unwrap_or(usize::MAX).min(self.end_of_segment());
        end.min(self.entry_offset(end))
    }

    /// Returns the bytes of the index that describe the blocks up to `end`.
    pub(crate) fn index_of(self, end: usize) -> std::ops::Range<usize> {
        self.entry_offset(end.saturating_sub(1))..self.end_of_segment()
    }
}
