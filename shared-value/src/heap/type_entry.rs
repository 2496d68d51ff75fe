//! `TypeEntry`: the schema of a type, which an arena holds once for all values of this type.

use crate::format::contents::Shape;
use crate::format::lanes::LaneCounts;
use crate::heap::blocks::{Heap, words_of};
use crate::protocol::atomics::Ordering::Relaxed;
use crate::schema::read;

const WORD: usize = size_of::<u64>();
/// The words before the text.
const HEAD: usize = 4;
/// More types than any program has. Only a hostile process makes a longer chain.
const MAX_TYPES: usize = 1 << 16;
const MAX_SCHEMA: usize = 1 << 24;
/// A part of the schema of each type with counters.
const COUNTER: &str = ": lanes<";
/// A part of the schema of each type whose number of elements changes.
const ANY_NUMBER: &str = "; ..]";

/// A type entry, which lies in a block of its own and never changes.
///
/// ```text
///  0  fingerprint    the hash of the schema
///  8  atomic fields  how many of them a value has
/// 16  length         bytes of the schema
/// 24  next           the trailer of the type entry that was made before
/// 32  schema         text, as UTF-8
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct TypeEntry<'a> {
    heap: Heap<'a>,
    start: usize,
    pub(crate) fingerprint: u64,
    atomics: usize,
    schema_length: usize,
    next: usize,
}

impl<'a> TypeEntry<'a> {
    /// Returns the type entry whose trailer lies at this offset.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "words are as long as pointers")]
    pub(crate) fn at(heap: Heap<'a>, trailer: usize) -> Option<Self> {
        let (start, [fingerprint, atomics, length, next]) = heap.lasting::<HEAD>(trailer)?;
        Some(Self {
            heap,
            start,
            fingerprint: fingerprint.load(Relaxed),
            atomics: atomics.load(Relaxed) as usize,
            schema_length: length.load(Relaxed) as usize,
            next: next.load(Relaxed) as usize,
        })
    }

    /// Returns all type entries from that trailer on, each with the offset of its trailer.
    pub(crate) fn all(heap: Heap<'a>, newest: usize) -> impl Iterator<Item = (usize, Self)> {
        let mut at = newest;
        std::iter::from_fn(move || {
            let entry = Self::at(heap, at)?;
            Some((std::mem::replace(&mut at, entry.next), entry))
        })
        .take(MAX_TYPES)
    }

    /// Returns the number of bytes of a type entry with this schema.
    pub(crate) fn payload(schema: &str) -> usize {
        HEAD * WORD + schema.len().next_multiple_of(WORD)
    }

    /// Writes a type entry into a new block.
    pub(crate) fn write(heap: Heap<'a>, start: usize, fingerprint: u64, atomics: usize, schema: &str, next: u64) {
        let words = heap.words(start, Self::payload(schema) / WORD).unwrap_or_default();
        let first = [fingerprint, atomics as u64, schema.len() as u64, next];
        for (to, word) in words.iter().zip(first.into_iter().chain(words_of(schema))) {
            to.store(word, Relaxed);
        }
    }

    pub(crate) fn schema(&self) -> Option<String> {
        let count = self.schema_length.min(MAX_SCHEMA).div_ceil(WORD);
        let words = self.heap.words(self.start + HEAD * WORD, count)?;
        Heap::text(words, self.schema_length.min(MAX_SCHEMA))
    }

    /// Returns the bytes of an element, if the type is one whose number of elements changes.
    pub(crate) fn element(&self) -> Option<usize> {
        let schema = self.schema().filter(|schema| schema.contains(ANY_NUMBER))?;
        Some(read(&schema).ok()?.vector_element()?.size())
    }

    /// Returns the lanes of a value's counters.
    pub(crate) fn lanes(&self) -> LaneCounts {
        let schema = self.schema().filter(|schema| schema.contains(COUNTER));
        schema.and_then(|schema| read(&schema).ok()).map_or_else(LaneCounts::default, |layout| layout.lane_counts())
    }

    /// Returns the shape of a value of `size` bytes.
    pub(crate) fn shape(&self, size: usize) -> Shape {
        Shape::of(size, self.atomics)
    }
}
