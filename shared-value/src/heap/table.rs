//! `Table`: the keys of an arena, found by their hash.
//!
//! Open addressing, in buckets of one word: zero if the bucket was never used, one if its block is gone (a tombstone), or
//! else the offset of a block's trailer, in units of 32 bytes (40 bits), and 24 bits of the hash, so that a look-up rarely
//! examines a wrong block. Each bucket changes by one store, so look-ups take no lock. A table that gets full is replaced by
//! a larger one.

use crate::heap::blocks::{Heap, TRAILER, Trailer, block_length};
use crate::heap::usize_of;
use crate::protocol::atomics::{AtomicU64, Ordering};

const GONE: u64 = 1;
const TAG_BITS: u32 = 24;
/// The bits of a hash that the trailer of a block holds.
const LOWER_BITS: u32 = 24;

/// The hash of a key: FNV-1a (Fowler, Noll, Vo). Its bits are mixed once more, because the lowest bits choose the first
/// bucket and the highest bits are the tag.
#[inline]
pub(crate) fn hash(key: &str) -> u64 {
    let hash = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The words of a table. Their number is a power of two.
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
    /// Returns the index of the bucket in its table.
    pub(crate) fn index(self) -> usize {
        self.index
    }

    /// Returns whether the bucket was never used.
    pub(crate) fn is_empty(self) -> bool {
        self.word == 0
    }

    /// Returns the offset of the trailer that the bucket refers to.
    pub(crate) fn trailer(self) -> usize {
        (self.word >> TAG_BITS) as usize * TRAILER
    }

    /// Returns the part of the hash that a table uses. `lower` is the lowest 24 bits of the hash.
    pub(crate) fn hash(self, lower: u64) -> u64 {
        self.word << (u64::BITS - TAG_BITS) | lower
    }
}

fn word_of(hash: u64, trailer: usize) -> u64 {
    ((trailer / TRAILER) as u64) << TAG_BITS | tag(hash)
}

/// Returns the index of the first bucket to look at. It depends only on the lowest bits of the hash, which trailers hold, and
/// on the tag, so that a table can grow without reading the keys.
fn first(hash: u64) -> usize {
    usize_of(hash & ((1 << LOWER_BITS) - 1) | tag(hash) << LOWER_BITS)
}

fn tag(hash: u64) -> u64 {
    hash >> (u64::BITS - TAG_BITS)
}

impl<'a> Table<'a> {
    /// Returns the table in these words; `None` if their number is not a power of two.
    pub(crate) fn of(words: &'a [AtomicU64]) -> Option<Self> {
        words.len().is_power_of_two().then_some(Self { words })
    }

    pub(crate) fn length(self) -> usize {
        self.words.len()
    }

    /// Returns the buckets that a block with this hash may be in, up to the first empty one.
    #[inline(always)]
    fn probe(self, hash: u64) -> impl Iterator<Item = Bucket> + use<'a> {
        let mask = self.words.len() - 1;
        (0..=mask)
            .map(move |step| (first(hash) + step) & mask)
            // Acquire: pairs with the release of `fill`.
            .map(move |index| Bucket { index, word: self.words[index].load(Ordering::Acquire) })
            .take_while(|bucket| bucket.word != 0)
    }

    /// Returns the buckets that refer to blocks with the tag of this hash.
    #[inline(always)]
    pub(crate) fn candidates(self, hash: u64) -> impl Iterator<Item = Bucket> + use<'a> {
        self.probe(hash).filter(move |bucket| bucket.word > GONE && bucket.word & ((1 << TAG_BITS) - 1) == tag(hash))
    }

    /// Returns all buckets that refer to a block.
    pub(crate) fn buckets(self) -> impl Iterator<Item = Bucket> + use<'a> {
        self.words
            .iter()
            .enumerate()
            .map(|(index, word)| Bucket { index, word: word.load(Ordering::Acquire) })
            .filter(|bucket| bucket.word > GONE)
    }

    /// Returns the first bucket for a block with this hash that refers to no block, and whose index is accepted. Only the
    /// owner of the directory's lock calls this.
    pub(crate) fn vacancy(self, hash: u64, accepts: impl Fn(usize) -> bool) -> Option<Bucket> {
        let mask = self.words.len() - 1;
        (0..=mask)
            .map(|step| (first(hash) + step) & mask)
            .map(|index| Bucket { index, word: self.words[index].load(Ordering::Relaxed) })
            .find(|bucket| bucket.word <= GONE && accepts(bucket.index))
    }

    /// Makes a bucket refer to a block. Only the owner of the directory's lock calls this.
    pub(crate) fn fill(self, bucket: Bucket, hash: u64, trailer: usize) {
        // Release: the block comes first.
        self.words[bucket.index].store(word_of(hash, trailer), Ordering::Release);
    }

    /// Makes a bucket a tombstone, so that look-ups still go on to the buckets behind it. The caller owns the directory's
    /// lock, or is the only process that has the arena open.
    pub(crate) fn forget(self, bucket: Bucket) {
        // Release: the count of the change comes first. So a look-up that finds nothing because of this store sees the new
        // count.
        self.words[bucket.index].store(GONE, Ordering::Release);
    }
}

/// Returns the table, given the word of the directory that says where it lies.
#[inline(always)]
pub(crate) fn table_at(heap: Heap<'_>, table: u64) -> Option<Table<'_>> {
    heap.words(usize_of(table & !63), 1 << (table & 63)).filter(|_| table != 0).and_then(Table::of)
}

/// Returns the block that the table lies in.
pub(crate) fn table_block(heap: Heap<'_>, table: u64) -> Option<Trailer> {
    let words = table_at(heap, table)?.length();
    let start = usize_of(table & !63);
    heap.trailer(start.checked_add(block_length(words * size_of::<u64>(), 0)?)? - TRAILER)
}
