//! `TypeEntry`: the schema of all values of one type, which an arena holds once.

use crate::format::contents::Shape;
use crate::heap::blocks::{Heap, State, words_of};
use crate::protocol::atomics::Ordering::Relaxed;

const WORD: usize = size_of::<u64>();
/// The words before the text.
const HEAD: usize = 4;
/// More kinds than any program has; a chain that is longer was made by somebody to keep others busy.
const MAX_TYPES: usize = 1 << 16;
const MAX_SCHEMA: usize = 1 << 24;

/// A kind as it lies in a block of its own, and does not change.
///
/// ```text
///  0  fingerprint    the hash of the schema
///  8  atomic fields  how many of them a value has
/// 16  length         bytes of the schema
/// 24  next           the trailer of the kind that was there before
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
    /// The kind whose block has its trailer there.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "words are as long as pointers")]
    pub(crate) fn at(heap: Heap<'a>, trailer: usize) -> Option<Self> {
        let trailer =
            heap.trailer(trailer).filter(|trailer| trailer.state == State::Live && trailer.type_entry == 0)?;
        let [fingerprint, atomics, length, next] = heap.words(trailer.start, HEAD)? else { return None };
        Some(Self {
            heap,
            start: trailer.start,
            fingerprint: fingerprint.load(Relaxed),
            atomics: atomics.load(Relaxed) as usize,
            schema_length: length.load(Relaxed) as usize,
            next: next.load(Relaxed) as usize,
        })
    }

    /// The kinds from that trailer on.
    pub(crate) fn all(heap: Heap<'a>, newest: usize) -> impl Iterator<Item = (usize, Self)> {
        let mut at = newest;
        std::iter::from_fn(move || {
            let kind = Self::at(heap, at)?;
            Some((std::mem::replace(&mut at, kind.next), kind))
        })
        .take(MAX_TYPES)
    }

    /// The bytes of a block for this schema.
    pub(crate) fn payload(schema: &str) -> usize {
        HEAD * WORD + schema.len().next_multiple_of(WORD)
    }

    /// Writes a kind into a new block.
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

    /// The shape of a value of so many bytes.
    pub(crate) fn shape(&self, size: usize) -> Shape {
        Shape::of(size, self.atomics)
    }
}
