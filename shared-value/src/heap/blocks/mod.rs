//! The blocks of an arena behind its directory.
//!
//! ```text
//! block, at a multiple of 64:   payload | key, zeros up to a word | trailer (32 bytes), at the end of a unit of 64
//! ```
//! The payload of a value is its cell, so a cell of one or two cache lines with its trailer takes 128 bytes. Blocks follow
//! each other, each trailer says where its block starts, and the index (`heap/space/index.rs`) says where blocks end.
//!
//! The owner of the directory's lock writes the blocks, except the cells of values and records. (A transaction marks the
//! blocks that it has made but does not add as removed, without this lock.) Any process may read everything at any time. A
//! reader trusts nothing that it has read: a process that writes to the memory can make a key refer to another value, but no
//! access leaves the segment.

mod trailer;
pub(in crate::heap) mod words;

use core::sync::atomic::fence;

use crate::error::Error;
use crate::format::{CELL_ALIGN, Extent};
use crate::heap::decision::Decision;
use crate::heap::space::index::{self, Bits};
use crate::heap::usize_of;
use crate::protocol::atomics::{AtomicU64, Ordering};
use crate::protocol::claims::look_again;
use crate::segment::Mapping;

use trailer::{FREE, HASH_BITS, PRESENT, REMOVED, START_BITS, STATE, TRAILER_WORDS};
pub(crate) use trailer::{State, TRAILER, Trailer, block_length, key_bytes, words_of};
pub(crate) use words::Heap;

const WORD: usize = size_of::<u64>();

/// The block was used again while its trailer was read.
struct Reused;

/// Returns the error for a block that another process has overwritten.
#[cold]
pub(crate) fn lost(segment: &Mapping, at: usize) -> Error {
    Error::InvalidSegment {
        name: segment.name().to_owned(),
        field: "block",
        expected: format!("a value of its type before the trailer at {at}"),
        found: "something else".to_owned(),
    }
}

impl<'a> Heap<'a> {
    #[inline(always)]
    fn trailer_words(self, at: usize) -> Option<&'a [AtomicU64; TRAILER_WORDS]> {
        let words = self.words(at, TRAILER_WORDS).filter(|_| (at + TRAILER).is_multiple_of(CELL_ALIGN))?;
        words.try_into().ok()
    }

    /// Returns the trailer at an offset; `None` if no trailer lies there.
    #[inline(always)]
    pub(crate) fn trailer(self, at: usize) -> Option<Trailer> {
        match self.trailer_once(at)? {
            Ok(trailer) => Some(trailer),
            Err(Reused) => self.trailer_again(at),
        }
    }

    /// Reads a trailer until its block is not used again meanwhile.
    #[cold]
    #[inline(never)]
    fn trailer_again(self, at: usize) -> Option<Trailer> {
        /// A block cannot be used again this often during one look-up, unless another process overwrites it.
        const TRIES: usize = 1 << 10;
        (0..TRIES).find_map(|_| self.trailer_once(at)?.ok())
    }

    /// Reads the trailer at an offset.
    #[inline(always)]
    fn trailer_once(self, at: usize) -> Option<Result<Trailer, Reused>> {
        let (ends, bit) = (self.bits(Bits::Ends, at)?, index::bit(at));
        // Acquire: pairs with the release of the journal, so the trailer of a block that ends here is seen.
        if ends.load(Ordering::Acquire) & bit == 0 {
            return None;
        }
        let [first, start, extent, last] = self.trailer_words(at)?;
        // Acquire: pairs with the release of `set_state`, so the other words of a present block are seen.
        let word = first.load(Ordering::Acquire);
        let (start, last) = (start.load(Ordering::Relaxed), last.load(Ordering::Relaxed));
        let trailer = Trailer {
            at,
            state: match word & STATE {
                0 => State::Made,
                PRESENT => State::Present,
                REMOVED => State::Removed,
                4 => State::Adding,
                5 => State::Removing,
                _ => State::Free,
            },
            generation: word >> STATE.count_ones(),
            type_entry: (last >> HASH_BITS) as usize * TRAILER,
            start: (start & ((1 << START_BITS) - 1)) as usize,
            extent: Extent::from_word(extent.load(Ordering::Relaxed)),
            key_length: (start >> START_BITS) as usize,
            hash: last & ((1 << HASH_BITS) - 1),
        };
        // If one of the three words came from a later use of this place, this fence synchronizes with the stores of the
        // journal or with the fence in `write_trailer`, so the loads below see what came first: that the block is free, that
        // it is of another generation, or that no block ends here any more. If only the state has changed otherwise, the
        // three words are those of this use, and the state is one that the block had a moment ago.
        fence(Ordering::Acquire);
        let again = first.load(Ordering::Relaxed);
        let is_freed = again & STATE == FREE && word & STATE != FREE;
        if (again ^ word) & !STATE != 0 || is_freed || ends.load(Ordering::Acquire) & bit == 0 {
            return Some(Err(Reused));
        }
        let is_sound = trailer.start.is_multiple_of(CELL_ALIGN) && (self.start()..=at).contains(&trailer.start);
        is_sound.then_some(Ok(trailer))
    }

    /// Returns the first words of a block that holds no value and is never removed.
    #[inline(always)]
    pub(crate) fn lasting<const WORDS: usize>(self, at: usize) -> Option<(usize, &'a [AtomicU64; WORDS])> {
        let [first, start, _, last] = self.trailer_words(at)?;
        // Acquire: pairs with the release of `set_state`, so the other words are seen. They stay as they are.
        let is_present = first.load(Ordering::Acquire) & STATE == PRESENT;
        if !is_present || last.load(Ordering::Relaxed) >> HASH_BITS != 0 {
            return None;
        }
        let start = usize_of(start.load(Ordering::Relaxed) & ((1 << START_BITS) - 1));
        Some((start, self.words(start, WORDS)?.try_into().ok()?))
    }

    /// Returns whether a block is in use.
    #[inline(always)]
    pub(crate) fn is_present(self, block: &Trailer) -> bool {
        block.state == State::Present || block.is_undecided() && self.is_decided_present(block.at, block.generation)
    }

    /// Returns whether a block of this generation is in use, while changes are pending.
    #[cold]
    #[inline(never)]
    fn is_decided_present(self, at: usize, generation: u64) -> bool {
        /// Changes cannot begin and end this often during one look-up. If a block is still undecided after these rounds,
        /// another process overwrote it.
        const TRIES: usize = 1 << 10;
        for _ in 0..TRIES {
            let Some(block) = self.trailer(at).filter(|block| block.generation == generation) else { return false };
            if !block.is_undecided() {
                return block.state == State::Present;
            }
            // The state was stored after `begin`, and this thread acquired it. So this load sees that decision or a later
            // one. Before a later decision begins, the state changes, and the second look at the state sees that change.
            let verdict = self.decision().and_then(Decision::verdict);
            if let Some(is_committed) = verdict
                && self.trailer(at).is_some_and(|again| again.state == block.state && again.generation == generation)
            {
                return (block.state == State::Adding) == is_committed;
            }
        }
        false
    }

    /// Returns whether a block that a look-up has found was neither removed nor used again since. If this thread has claimed
    /// the block before, its space is not used again later either.
    #[inline(always)]
    pub(crate) fn is_still(self, block: &Trailer) -> bool {
        let Some([first, ..]) = self.trailer_words(block.at) else { return false };
        let word = look_again(first);
        let is_removed = matches!(word & STATE, REMOVED | FREE);
        // If the word is part of another block by now, no block ends here any more: the load above has acquired that.
        word >> STATE.count_ones() == block.generation && !is_removed && self.is_set(Bits::Ends, block.at)
    }

    /// Returns whether a block that a look-up has found was neither removed nor used again since, after its contents were read.
    pub(crate) fn is_still_read(self, block: &Trailer) -> bool {
        // Acquire: the contents were read before. If a part of them was that of another block, the load below sees that.
        fence(Ordering::Acquire);
        self.is_still(block)
    }

    /// Writes a trailer. All of its words but the first stay until the block is free.
    pub(crate) fn write_trailer(self, trailer: &Trailer) {
        let Some(words) = self.trailer_words(trailer.at) else { return };
        let (first, others) = (trailer.first_word(), trailer.words());
        words[0].store(first, Ordering::Relaxed);
        // Release: pairs with the fence in `trailer`.
        fence(Ordering::Release);
        for (to, word) in words.iter().zip(others).skip(1) {
            to.store(word, Ordering::Relaxed);
        }
    }

    /// Changes the state of a block, by one store.
    pub(crate) fn set_state(self, trailer: &Trailer, state: State) {
        if let Some([first, ..]) = self.trailer_words(trailer.at) {
            // Release: the contents of the block come first.
            first.store(Trailer { state, ..*trailer }.first_word(), Ordering::Release);
        }
    }

    /// Writes the key of a block.
    pub(crate) fn write_key(self, trailer: &Trailer, key: &str) {
        let words = self.words(trailer.payload_end(), key_bytes(key.len()) / WORD).unwrap_or_default();
        for (to, word) in words.iter().zip(words_of(key)) {
            to.store(word, Ordering::Relaxed);
        }
    }

    /// Returns whether a block has this key.
    #[inline]
    pub(crate) fn has_key(self, trailer: &Trailer, key: &str) -> bool {
        trailer.key_length == key.len()
            && self.words(trailer.payload_end(), key_bytes(key.len()) / WORD).is_some_and(|words| {
                words.iter().zip(words_of(key)).all(|(word, key)| word.load(Ordering::Relaxed) == key)
            })
    }

    /// Returns the key of a block; `None` if it has no key, or the key is not UTF-8.
    pub(crate) fn key(self, trailer: &Trailer) -> Option<String> {
        let length = trailer.key_length;
        if length == 0 || length > crate::heap::MAX_KEY {
            return None;
        }
        let words = self.words(trailer.payload_end(), key_bytes(length) / WORD)?;
        Self::text(words, length)
    }

    /// Returns the text in the first `length` bytes of words.
    pub(crate) fn text(words: &[AtomicU64], length: usize) -> Option<String> {
        let mut bytes: Vec<_> = words.iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect();
        bytes.truncate(length);
        String::from_utf8(bytes).ok()
    }

    /// Writes zeros over the payload and the key of a block that is used again. Nothing behind `dirty` was written before.
    pub(crate) fn clear(self, trailer: &Trailer, dirty: usize) {
        let end = trailer.at.min(dirty).max(trailer.start);
        let pages = self.give_back(trailer.start..end);
        for part in [trailer.start..pages.start, pages.end..end] {
            for word in self.words(part.start, part.len() / WORD).unwrap_or_default() {
                word.store(0, Ordering::Relaxed);
            }
        }
    }

    /// Returns all blocks below the cursor, the last one first.
    ///
    /// A block that is in use all the time is never missed, whatever happens to others meanwhile: its end is in the index, and
    /// no trailer says that it lies inside another block.
    pub(crate) fn blocks(self, cursor: usize) -> impl Iterator<Item = Trailer> + use<'a> {
        let mut end = cursor.min(self.end_of_segment());
        std::iter::from_fn(move || {
            loop {
                let place = self.last_end(end.checked_sub(CELL_ALIGN)?)?;
                let trailer = self.trailer(place + (CELL_ALIGN - TRAILER));
                end = trailer.map_or(place, |trailer| trailer.start);
                if trailer.is_some() {
                    return trailer;
                }
            }
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::cell::{Cell, Terms};
    use crate::heap::Directory;
    use crate::segment::Location;

    fn memory_of(mapping: &Mapping) -> usize {
        let number = mapping.file().unwrap().as_raw_fd();
        let blocks = std::fs::metadata(format!("/proc/self/fd/{number}")).unwrap().blocks();
        usize::try_from(blocks).unwrap() * 512
    }

    /// A large block that is used again would otherwise take memory for zeros, and its neighbours must keep their bytes.
    #[test]
    fn a_large_block_is_cleared_without_memory() {
        const UNIT: usize = 64 << 10;
        let initialize = |parts: &crate::cell::parts::Parts<'_, Directory>| parts.initialize(&Directory::EMPTY);
        let cell = Cell::create(&Location::ANONYMOUS, &Terms::default(), &(), 8 << 20, initialize).unwrap();
        let heap = Heap::of(cell.segment());
        let first = heap.start();
        let blocks = [(first + 64, first + 128), (UNIT - 64, UNIT * 40 + 64), (UNIT * 2, UNIT * 50), (first, UNIT * 8)];
        for (start, end) in blocks {
            let all = heap.words(first, (UNIT * 60 - first) / WORD).unwrap();
            for word in all {
                word.store(7, Ordering::Relaxed);
            }
            let before = memory_of(cell.segment());
            let block = Trailer {
                at: end,
                state: State::Made,
                generation: 1,
                type_entry: 0,
                start,
                extent: Extent::default(),
                key_length: 0,
                hash: 0,
            };
            heap.clear(&block, usize::MAX);
            for (number, word) in all.iter().enumerate() {
                let expected = if (start..end).contains(&(first + number * WORD)) { 0 } else { 7 };
                assert_eq!(word.load(Ordering::Relaxed), expected, "{start}..{end}, word {number}");
            }
            // Reading has taken the memory again; a second time shows how much was given back.
            heap.clear(&block, usize::MAX);
            let freed = before - memory_of(cell.segment());
            let least = if end - start < 1 << 20 { 0 } else { end - start - 2 * UNIT };
            assert!(freed >= least, "{start}..{end}: {freed} bytes");
        }
    }
}
