//! `Trailer`: the end of a block, which describes it.

use crate::format::{CELL_ALIGN, Extent};

const WORD: usize = size_of::<u64>();
pub(super) const TRAILER_WORDS: usize = 4;
/// The size of a trailer in bytes. Each trailer lies at a multiple of this size, so its offset in such units fits into 40
/// bits.
pub(crate) const TRAILER: usize = TRAILER_WORDS * WORD;

/// Whether a block is in use. It has the size of a word, so that trailers have no padding, which is slow to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum State {
    /// It is being made, or its maker died before the block was present.
    Made,
    /// It is in use.
    Present,
    /// No look-up finds it any more, but handles of it may be open.
    Removed,
    /// No handle of it is open.
    Free,
    /// It is present if the pending changes are committed.
    Adding,
    /// It is present unless the pending changes are committed.
    Removing,
}

/// The end of a block, as it was read.
///
/// ```text
///  0  state (8 bits), generation (56 bits)
///  8  start (48 bits): where the block starts; length of the key in bytes (16 bits)
/// 16  bytes of the value, and its slots: see `Extent`
/// 24  hash (24 bits): the lowest bits of that of the key; type (40 bits): where the trailer of its type entry lies, in
///     units of 32 bytes
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trailer {
    /// The offset of the trailer.
    pub(crate) at: usize,
    pub(crate) state: State,
    pub(crate) generation: u64,
    /// The offset of the trailer of its type entry; zero in a block that holds no value.
    pub(crate) type_entry: usize,
    pub(crate) start: usize,
    pub(crate) extent: Extent,
    /// The bytes of the key; zero if the value has none.
    pub(crate) key_length: usize,
    /// The lowest bits of the hash of the key.
    pub(crate) hash: u64,
}

/// The bits of a trailer's first word that hold the state.
pub(super) const STATE: u64 = 0xff;
pub(super) const PRESENT: u64 = 1;
pub(super) const REMOVED: u64 = 2;
pub(super) const FREE: u64 = 3;
/// The bits of the second word that hold the start, and of the last word that hold the hash.
pub(super) const START_BITS: u32 = 48;
pub(super) const HASH_BITS: u32 = 24;

impl Trailer {
    pub(super) fn first_word(&self) -> u64 {
        let state = match self.state {
            State::Made => 0,
            State::Present => 1,
            State::Removed => REMOVED,
            State::Free => FREE,
            State::Adding => 4,
            State::Removing => 5,
        };
        state | self.generation << STATE.count_ones()
    }

    pub(crate) fn words(&self) -> [u64; TRAILER_WORDS] {
        [
            self.first_word(),
            self.start as u64 | (self.key_length as u64) << START_BITS,
            self.extent.to_word(),
            self.hash & ((1 << HASH_BITS) - 1) | ((self.type_entry / TRAILER) as u64) << HASH_BITS,
        ]
    }

    /// Returns whether the block's state depends on pending changes.
    #[inline(always)]
    pub(crate) fn is_undecided(&self) -> bool {
        matches!(self.state, State::Adding | State::Removing)
    }

    pub(crate) fn end(&self) -> usize {
        self.at + TRAILER
    }

    /// Returns where the payload must end.
    pub(crate) fn payload_end(&self) -> usize {
        self.at.saturating_sub(key_bytes(self.key_length))
    }
}

/// Returns the number of bytes that a key takes in its block.
pub(crate) fn key_bytes(length: usize) -> usize {
    length.next_multiple_of(WORD)
}

/// Returns the length of a block, given the bytes of its payload and of its key.
pub(crate) fn block_length(payload: usize, key: usize) -> Option<usize> {
    payload.checked_add(key_bytes(key) + TRAILER)?.checked_next_multiple_of(CELL_ALIGN)
}

/// Returns a text as words, filled up with zeros.
pub(crate) fn words_of(text: &str) -> impl Iterator<Item = u64> {
    text.as_bytes().chunks(WORD).map(|chunk| {
        let mut word = [0; WORD];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_ne_bytes(word)
    })
}
