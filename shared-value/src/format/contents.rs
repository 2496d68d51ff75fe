//! `Contents`: what a cell holds, and where its parts lie for that.

use crate::error::Error;
use crate::layout::{SharedValue, schema_text, slice_fingerprint, slice_schema_text};
use crate::protocol::marks;

/// The words of a cache line.
const LINE: usize = 8;
const WORD: usize = size_of::<u64>();

/// The longest slot, in words, that is brought up to date by copying all of it; a longer one has marks that say which
/// of its blocks need it.
const COPIED_WHOLE: usize = 64;

/// What decides where the parts of a cell lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The bytes of the value.
    pub(crate) size: usize,
    /// The number of its atomic fields.
    pub(crate) atomics: usize,
    /// The words of the marks, which are noted because they take a while to count.
    marks: usize,
}

/// The parts are counted in words behind the control line:
///
/// ```text
///  0  slot 0, slot 1: as many words as the value needs; slots that do not fit into one line together start at
///     multiples of a line, so that they share none, and readers of the one are not disturbed by the writer of the other
///     marks of slots of more than 64 words, at a multiple of a line: see `protocol/marks.rs`
///     at a multiple of a line, one word for each atomic field
/// ```
impl Shape {
    /// The shape for a value of so many bytes, and so many atomic fields.
    #[inline]
    pub(crate) const fn of(size: usize, atomics: usize) -> Self {
        let slot = size.div_ceil(WORD);
        let marks = if slot <= COPIED_WHOLE { 0 } else { marks::words(slot) };
        Self { size, atomics, marks }
    }

    /// The words of each slot.
    #[inline(always)]
    pub(crate) const fn slot(self) -> usize {
        self.size.div_ceil(WORD)
    }

    /// From the start of slot 0 to that of slot 1.
    #[inline(always)]
    pub(crate) const fn stride(self) -> usize {
        if self.slot() * 2 <= LINE { self.slot() } else { self.slot().next_multiple_of(LINE) }
    }

    /// The words of both slots, and those between them.
    #[inline(always)]
    pub(crate) const fn slots(self) -> usize {
        self.stride() + self.slot()
    }

    #[inline(always)]
    pub(crate) const fn marks_start(self) -> usize {
        self.slots().next_multiple_of(LINE)
    }

    /// The words of the marks.
    #[inline(always)]
    pub(crate) const fn marks(self) -> usize {
        self.marks
    }

    #[inline(always)]
    pub(crate) const fn atomics_start(self) -> usize {
        (self.marks_start() + self.marks()).next_multiple_of(LINE)
    }

    /// All words.
    const fn words(self) -> usize {
        if self.atomics > 0 {
            self.atomics_start() + self.atomics
        } else if self.marks() > 0 {
            self.marks_start() + self.marks()
        } else {
            self.slots()
        }
    }

    /// The bytes of the whole cell with its control line; `None` if no memory is that large.
    pub(crate) fn checked_length(self) -> Option<usize> {
        // Both slots, their marks and the space between take less than three times the size.
        let most = self.size.checked_mul(3)?.checked_add(self.atomics.checked_mul(WORD)?)?.checked_add(1 << 12)?;
        (most <= isize::MAX.unsigned_abs()).then(|| self.length())
    }

    /// The bytes of the whole cell with its control line.
    pub(crate) const fn length(self) -> usize {
        (LINE + self.words()) * WORD
    }
}

/// What a cell can hold: a `T`, a `[T]` whose length is known at run time, or a value that only its segment describes.
pub(crate) trait Contents {
    /// What a handle knows of the value besides its memory: nothing about a `T`, the shape of a `[T]`.
    type Facts: Clone + Send + Sync + 'static;

    /// Where the parts of a cell lie. For a `T` this is a constant.
    fn shape(facts: &Self::Facts) -> Shape;

    /// The error of bits that are not a value: `invalid` is the offset of the first bad byte, `bytes` what was copied from
    /// the offset `place` on.
    fn invalid_bits(invalid: usize, place: usize, bytes: &[u8]) -> Error;
}

/// Contents that a program knows by their type.
pub(crate) trait Typed: Contents {
    /// The hash of the schema.
    const FINGERPRINT: u64;

    fn schema() -> String;

    /// The facts of a value of `size` bytes, if there are such values.
    fn facts(size: usize) -> Option<Self::Facts>;
}

/// Contents of which nothing is known but the shape.
pub(crate) enum Untyped {}

impl Contents for Untyped {
    type Facts = Shape;

    #[inline(always)]
    fn shape(facts: &Shape) -> Shape {
        *facts
    }

    fn invalid_bits(invalid: usize, _: usize, _: &[u8]) -> Error {
        let (field, expected) = (format!("byte {invalid}"), "a value of the type that the schema names".to_owned());
        Error::InvalidBits { field, expected, found: "something else".to_owned() }
    }
}

impl<T: SharedValue> Contents for T {
    type Facts = ();

    #[inline(always)]
    fn shape((): &()) -> Shape {
        const { Shape::of(size_of::<T>(), T::LAYOUT.atomic_words()) }
    }

    fn invalid_bits(invalid: usize, place: usize, bytes: &[u8]) -> Error {
        Error::invalid_bits(T::LAYOUT, invalid, place, bytes)
    }
}

impl<T: SharedValue> Typed for T {
    const FINGERPRINT: u64 = <T as SharedValue>::FINGERPRINT;

    fn schema() -> String {
        schema_text(T::LAYOUT)
    }

    #[inline(always)]
    fn facts(size: usize) -> Option<()> {
        (size == size_of::<T>()).then_some(())
    }
}

impl<E: SharedValue> Contents for [E] {
    /// That of a whole number of elements, which have no atomic fields: those of elements lie in the slots.
    type Facts = Shape;

    #[inline(always)]
    fn shape(facts: &Shape) -> Shape {
        *facts
    }

    fn invalid_bits(invalid: usize, place: usize, bytes: &[u8]) -> Error {
        let start = invalid / size_of::<E>() * size_of::<E>();
        // Only the bytes of the element, if more were copied.
        let bytes = bytes.get(start.saturating_sub(place)..).unwrap_or_default();
        let error = Error::invalid_bits(E::LAYOUT, invalid - start, place.max(start) - start, bytes);
        error.of_element(start / size_of::<E>(), E::LAYOUT)
    }
}

impl<E: SharedValue> Typed for [E] {
    const FINGERPRINT: u64 = slice_fingerprint(E::LAYOUT);

    fn schema() -> String {
        slice_schema_text(E::LAYOUT)
    }

    #[inline]
    fn facts(size: usize) -> Option<Shape> {
        size.is_multiple_of(size_of::<E>()).then(|| Shape::of(size, 0))
    }
}
