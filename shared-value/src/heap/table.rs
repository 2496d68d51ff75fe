//! `Table`: the keys of an arena, found by their hash.
//!
//! Open addressing, in words: zero for nothing, one for what was there and is gone, or else where the trailer of a block
//! lies, in units of 32 bytes (40 bits), and 24 bits of the hash, so that hardly any other block is looked at. Places are
//! filled by one store each and never emptied, so that whoever looks without the lock finds what was there all the time. A
//! table that gets full is replaced by a larger one; who still looks at the old one has begun before that.

use crate::heap::blocks::{Heap, TRAILER, Trailer, block_length};
use crate::heap::usize_of;
use crate::protocol::atomics::{AtomicU64, Ordering};

const GONE: u64 = 1;
const TAG_BITS: u32 = 24;

/// The hash of a key: FNV-1a (Fowler, Noll, Vo), whose bits are mixed once more because tables take the lowest of them.
#[inline]
pub(crate) fn hash(key: &str) -> u64 {
    let hash = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The words of a table, of which there is a power of two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    words: &'a [AtomicU64],
}

/// What a place says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    index: usize,
    word: u64,
}

impl Bucket {
    /// Where the trailer lies that it leads to.
    pub(crate) fn trailer(self) -> usize {
        (self.word >> TAG_BITS) as usize * TRAILER
    }

    /// As much of the hash as counts in a table, given its lower half.
    pub(crate) fn hash(self, lower: u64) -> u64 {
        self.word << (u64::BITS - TAG_BITS) | lower
    }
}

fn word_of(hash: u64, trailer: usize) -> u64 {
    ((trailer / TRAILER) as u64) << TAG_BITS | tag(hash)
}

/// Where to look for it first. Only the lower half counts, which a block notes, so that a table grows without the keys.
#[expect(clippy::cast_possible_truncation, reason = "that is the lower half")]
fn first(hash: u64) -> usize {
    hash as u32 as usize
}

fn tag(hash: u64) -> u64 {
    hash >> (u64::BITS - TAG_BITS)
}

impl<'a> Table<'a> {
    /// The table in these words; `None` if they are not a power of two.
    pub(crate) fn of(words: &'a [AtomicU64]) -> Option<Self> {
        words.len().is_power_of_two().then_some(Self { words })
    }

    pub(crate) fn length(self) -> usize {
        self.words.len()
    }

    /// The places where something of this hash may be, up to the first empty one.
    #[inline]
    fn probe(self, hash: u64) -> impl Iterator<Item = Bucket> + use<'a> {
        let mask = self.words.len() - 1;
        (0..=mask)
            .map(move |step| (first(hash) + step) & mask)
            // Acquire: pairs with the release of `insert`, for those who find a block here.
            .map(move |index| Bucket { index, word: self.words[index].load(Ordering::Acquire) })
            .take_while(|place| place.word != 0)
    }

    /// The places that lead to something with the tag of this hash.
    #[inline]
    pub(crate) fn candidates(self, hash: u64) -> impl Iterator<Item = Bucket> + use<'a> {
        self.probe(hash).filter(move |place| place.word > GONE && place.word & ((1 << TAG_BITS) - 1) == tag(hash))
    }

    /// All places that lead to something.
    pub(crate) fn places(self) -> impl Iterator<Item = Bucket> + use<'a> {
        self.words
            .iter()
            .enumerate()
            .map(|(index, word)| Bucket { index, word: word.load(Ordering::Acquire) })
            .filter(|place| place.word > GONE)
    }

    /// Puts a block into an empty place. For the owner of the lock, who sees to it that there is one.
    pub(crate) fn insert(self, hash: u64, trailer: usize) {
        let mask = self.words.len() - 1;
        let empty = (0..=mask)
            .map(|step| &self.words[(first(hash) + step) & mask])
            .find(|word| word.load(Ordering::Relaxed) == 0);
        // There is none if somebody else has written to the table; then the value has no key.
        if let Some(word) = empty {
            // Release: the block comes first.
            word.store(word_of(hash, trailer), Ordering::Release);
        }
    }

    /// Empties a place, but so that what lies behind it is still found.
    pub(crate) fn forget(self, place: Bucket) {
        self.words[place.index].store(GONE, Ordering::Relaxed);
    }
}

/// The table that the directory names by this word.
#[inline]
pub(crate) fn table_at(heap: Heap<'_>, table: u64) -> Option<Table<'_>> {
    heap.words(usize_of(table & !63), 1 << (table & 63)).filter(|_| table != 0).and_then(Table::of)
}

/// The block that the table lies in.
pub(crate) fn table_block(heap: Heap<'_>, table: u64) -> Option<Trailer> {
    let words = table_at(heap, table)?.length();
    let start = usize_of(table & !63);
    heap.trailer(start.checked_add(block_length(words * size_of::<u64>(), 0)?)? - TRAILER)
}
