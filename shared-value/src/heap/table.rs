//! `Table`: the keys of an arena, found by their hash.
//!
//! Open addressing, in buckets of one word: zero if nothing was ever there, one if what was there is gone, or else where the
//! trailer of a block lies, in units of 32 bytes (40 bits), and 24 bits of the hash, so that hardly any other block is looked
//! at. Buckets change by one store each, so look-ups take no lock. A table that gets full is replaced by a larger one.

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

/// A bucket, as it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    index: usize,
    word: u64,
}

impl Bucket {
    /// The number of the bucket in its table.
    pub(crate) fn index(self) -> usize {
        self.index
    }

    /// Whether nothing was ever there.
    pub(crate) fn is_empty(self) -> bool {
        self.word == 0
    }

    /// Where the trailer lies that it leads to.
    pub(crate) fn trailer(self) -> usize {
        (self.word >> TAG_BITS) as usize * TRAILER
    }

    /// The part of the hash that counts in a table, given its lower half.
    pub(crate) fn hash(self, lower: u64) -> u64 {
        self.word << (u64::BITS - TAG_BITS) | lower
    }
}

fn word_of(hash: u64, trailer: usize) -> u64 {
    ((trailer / TRAILER) as u64) << TAG_BITS | tag(hash)
}

/// The number of the first bucket to look at. Only the lower half counts, which trailers hold: a table grows without the keys.
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

    /// The buckets that a block of this hash may be in, up to the first empty one.
    #[inline(always)]
    fn probe(self, hash: u64) -> impl Iterator<Item = Bucket> + use<'a> {
        let mask = self.words.len() - 1;
        (0..=mask)
            .map(move |step| (first(hash) + step) & mask)
            // Acquire: pairs with the release of `fill`.
            .map(move |index| Bucket { index, word: self.words[index].load(Ordering::Acquire) })
            .take_while(|bucket| bucket.word != 0)
    }

    /// The buckets that lead to blocks with the tag of this hash.
    #[inline(always)]
    pub(crate) fn candidates(self, hash: u64) -> impl Iterator<Item = Bucket> + use<'a> {
        self.probe(hash).filter(move |bucket| bucket.word > GONE && bucket.word & ((1 << TAG_BITS) - 1) == tag(hash))
    }

    /// All buckets that lead to a block.
    pub(crate) fn buckets(self) -> impl Iterator<Item = Bucket> + use<'a> {
        self.words
            .iter()
            .enumerate()
            .map(|(index, word)| Bucket { index, word: word.load(Ordering::Acquire) })
            .filter(|bucket| bucket.word > GONE)
    }

    /// The first bucket for a block of this hash that leads to none, and whose number is accepted. For the owner of the
    /// directory's lock.
    pub(crate) fn vacancy(self, hash: u64, accepts: impl Fn(usize) -> bool) -> Option<Bucket> {
        let mask = self.words.len() - 1;
        (0..=mask)
            .map(|step| (first(hash) + step) & mask)
            .map(|index| Bucket { index, word: self.words[index].load(Ordering::Relaxed) })
            .find(|bucket| bucket.word <= GONE && accepts(bucket.index))
    }

    /// Lets a bucket lead to a block. For the owner of the directory's lock.
    pub(crate) fn fill(self, bucket: Bucket, hash: u64, trailer: usize) {
        // Release: the block comes first.
        self.words[bucket.index].store(word_of(hash, trailer), Ordering::Release);
    }

    /// Lets a bucket lead to nothing, so that those behind it are still looked at. For the owner of the directory's lock.
    pub(crate) fn forget(self, bucket: Bucket) {
        // Release: the count of the change comes first, for a look-up that finds nothing because of this.
        self.words[bucket.index].store(GONE, Ordering::Release);
    }
}

/// The table that the directory names by this word.
#[inline(always)]
pub(crate) fn table_at(heap: Heap<'_>, table: u64) -> Option<Table<'_>> {
    heap.words(usize_of(table & !63), 1 << (table & 63)).filter(|_| table != 0).and_then(Table::of)
}

/// The block that the table lies in.
pub(crate) fn table_block(heap: Heap<'_>, table: u64) -> Option<Trailer> {
    let words = table_at(heap, table)?.length();
    let start = usize_of(table & !63);
    heap.trailer(start.checked_add(block_length(words * size_of::<u64>(), 0)?)? - TRAILER)
}
