//! `Contents`: the type of a cell's value. It decides where the parts of the cell lie.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::Error;
use crate::format::cell::growth::Growth;
use crate::format::cell::lanes::LaneCounts;
use crate::layout::{SchemaText, SharedValue, schema, schema_text, slice_schema, slice_schema_text};
use crate::protocol::marks;

/// The number of words of a cache line.
const LINE: usize = 8;
const WORD: usize = size_of::<u64>();

/// The length in words of the longest slot that is brought up to date as a whole. A longer slot has marks that say which
/// blocks must be copied.
const COPIED_WHOLE: usize = 64;

/// The sizes that decide where the parts of a cell lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The number of bytes of the value.
    pub(crate) size: usize,
    /// The number of its atomic fields.
    pub(crate) atomics: usize,
    /// The number of words of the marks, stored because it is slow to compute.
    marks: usize,
    /// Whether some bytes may be fields of other versions of the type.
    has_reserved: bool,
    /// The bytes of an element, if their number changes; otherwise 0.
    element: usize,
    /// Whether there is one slot, and neither versions nor marks.
    is_one_slot: bool,
    /// The lanes of its counters.
    pub(crate) lanes: LaneCounts,
}

/// The parts lie after the control line, in words:
///
/// ```text
///  0  slot 0, slot 1: the words that the value needs. If both slots do not fit into one line, each starts at a multiple of
///     a line: they then share no line, and the writer of one slot does not disturb readers of the other
///     marks of slots of more than 64 words, at a multiple of a line: see `protocol/marks.rs`
///     one word for each atomic field, at a multiple of a line
///     the lanes of counters, each at a multiple of a line: see `format/cell/lanes.rs`
/// ```
///
/// If there is one slot, slot 1 and the marks are missing: the distance from slot 0 to slot 1 is zero.
impl Shape {
    /// Returns the shape of a cell whose value has `size` bytes and `atomics` atomic fields.
    #[inline]
    pub(crate) const fn of(size: usize, atomics: usize) -> Self {
        let slot = size.div_ceil(WORD);
        let marks = if slot <= COPIED_WHOLE { 0 } else { marks::words(slot) };
        Self {
            size,
            atomics,
            marks,
            has_reserved: false,
            element: 0,
            is_one_slot: false,
            lanes: LaneCounts { lanes: 0, counters: 0 },
        }
    }

    /// Returns this shape, for a value whose counters have these lanes.
    pub(crate) const fn with_lanes(self, lanes: LaneCounts) -> Self {
        Self { lanes, ..self }
    }

    /// Returns the shape of a value whose number of elements changes.
    pub(crate) fn growing(growth: Growth) -> Self {
        Self { element: growth.element(), ..Self::of(growth.size(), 0) }
    }

    /// Returns the number of bytes that surely have memory; 0 if the number of elements changes.
    #[inline]
    pub(crate) const fn fixed_size(self) -> usize {
        if self.element == 0 { self.size } else { 0 }
    }

    /// Returns the sizes of a value whose number of elements changes. The file has memory only for bytes that are or were in use.
    pub(crate) fn growth(self) -> Option<Growth> {
        if self.element == 0 { None } else { Growth::of_size(self.element, self.size) }
    }

    /// Returns this shape, for a value of which some bytes may be fields of other versions.
    pub(crate) const fn reserving(self, has_reserved: bool) -> Self {
        Self { has_reserved, ..self }
    }

    /// Returns this shape, with one slot or with two.
    #[inline(always)]
    pub(crate) const fn slotted(self, is_one_slot: bool) -> Self {
        let marks = if is_one_slot { 0 } else { self.marks };
        Self { marks, is_one_slot, ..self }
    }

    /// Returns whether there is one slot, and no versions.
    #[inline(always)]
    pub(crate) const fn is_one_slot(self) -> bool {
        self.is_one_slot
    }

    /// Returns whether some bytes may be fields of other versions of the type, which a write of the whole value must leave.
    #[inline(always)]
    pub(crate) const fn has_reserved(self) -> bool {
        self.has_reserved
    }

    /// Returns the number of words of each slot.
    #[inline(always)]
    pub(crate) const fn slot(self) -> usize {
        self.size.div_ceil(WORD)
    }

    /// Returns the number of words from the start of slot 0 to the start of slot 1.
    #[inline(always)]
    pub(crate) const fn stride(self) -> usize {
        if self.is_one_slot {
            0
        } else if self.slot() * 2 <= LINE {
            self.slot()
        } else {
            self.slot().next_multiple_of(LINE)
        }
    }

    /// Returns the number of words from the start of slot 0 to the end of the last slot.
    #[inline(always)]
    pub(crate) const fn slots(self) -> usize {
        self.stride() + self.slot()
    }

    /// Returns the index of the first word of the marks.
    #[inline(always)]
    pub(crate) const fn marks_start(self) -> usize {
        self.slots().next_multiple_of(LINE)
    }

    /// Returns the number of words of the marks.
    #[inline(always)]
    pub(crate) const fn marks(self) -> usize {
        self.marks
    }

    /// Returns the index of the word of the first atomic field.
    #[inline(always)]
    pub(crate) const fn atomics_start(self) -> usize {
        (self.marks_start() + self.marks()).next_multiple_of(LINE)
    }

    /// Returns the index of the first word of the lanes.
    #[inline(always)]
    pub(crate) const fn lanes_start(self) -> usize {
        (self.atomics_start() + self.atomics).next_multiple_of(LINE)
    }

    /// Returns the number of all words after the control line.
    #[inline(always)]
    const fn words(self) -> usize {
        if self.lanes.lanes > 0 {
            self.lanes_start() + self.lanes.words()
        } else if self.atomics > 0 {
            self.atomics_start() + self.atomics
        } else if self.marks() > 0 {
            self.marks_start() + self.marks()
        } else {
            self.slots()
        }
    }

    /// Returns where the bytes of the cell lie that these bytes of each slot need, with their marks. Slots without marks are
    /// needed as a whole: each change copies one to the other.
    pub(crate) fn places(self, used: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let used = if self.marks() == 0 { 0..self.size } else { used };
        let slot = used.start.min(self.size) / WORD..used.end.min(self.size).div_ceil(WORD);
        let stride = self.stride();
        let slots = [slot.clone(), stride + slot.start..stride + slot.end].into_iter();
        let start = self.marks_start();
        let marked = (self.marks() > 0).then(|| slot.start * WORD..slot.end * WORD);
        let marks = marked.into_iter().flat_map(move |bytes| marks::words_of(self.slot(), bytes));
        let words = slots.chain(marks.map(move |words| start + words.start..start + words.end));
        words.map(|words| (LINE + words.start) * WORD..(LINE + words.end) * WORD)
    }

    /// Returns where the marks lie in the cell, in bytes.
    pub(crate) fn place_of_marks(self) -> Range<usize> {
        let start = (LINE + self.marks_start()) * WORD;
        start..start + self.marks() * WORD
    }

    /// Returns the number of bytes of the whole cell with its control line; `None` if no memory is that large.
    #[inline(always)]
    pub(crate) fn checked_length(self) -> Option<usize> {
        // Both slots, their marks and the gaps take less than three times the size, plus 4 KiB.
        let outside = self.atomics.checked_add(self.lanes.checked_words()?)?.checked_mul(WORD)?;
        let most = self.size.checked_mul(3)?.checked_add(outside)?.checked_add(1 << 12)?;
        (most <= isize::MAX.unsigned_abs()).then(|| self.length())
    }

    /// Returns the number of bytes of the whole cell with its control line.
    #[inline(always)]
    pub(crate) const fn length(self) -> usize {
        (LINE + self.words()) * WORD
    }
}

/// The types of values of cells: a `T`, a `[T]` whose length is known only when the program runs, or a value that only its
/// segment describes.
pub(crate) trait Contents {
    /// The facts about the value that are not in its memory: none for a `T`, the shape for a `[T]`.
    type Facts: Clone + Send + Sync + 'static;

    /// Whether the value has one slot.
    const IS_ONE_SLOT: bool = false;

    /// Returns the shape of a cell with these facts. If the type alone decides, the shape is a constant.
    fn shape(facts: &Self::Facts) -> Shape;

    /// Returns `Shape::has_reserved` of a value of this type: a constant, if the type decides.
    #[inline(always)]
    fn has_reserved(shape: Shape) -> bool {
        shape.has_reserved()
    }

    /// Returns how many bytes of each slot a new value uses.
    fn used_at_first(facts: &Self::Facts) -> usize {
        Self::shape(facts).size
    }

    /// Returns the error for invalid bits. `invalid` is the offset of the first bad byte; `bytes` were copied from the
    /// offset `place` on.
    fn invalid_bits(invalid: usize, place: usize, bytes: &[u8]) -> Error;
}

/// Contents that have a Rust type.
pub(crate) trait Typed: Contents {
    /// The schema, as far as it fits.
    const SCHEMA: SchemaText;

    /// The hash of the schema.
    const FINGERPRINT: u64 = Self::SCHEMA.hash();

    /// Whether values of other versions of the type may fit.
    const EVOLVES: bool;

    /// Returns the schema. It is a part of the program, unless it is long.
    fn schema() -> Cow<'static, str> {
        let text = const { &Self::SCHEMA };
        if text.is_whole() { Cow::Borrowed(text.as_str()) } else { Cow::Owned(Self::long_schema()) }
    }

    /// Writes the schema.
    fn long_schema() -> String;

    /// Returns the facts of a value of `size` bytes, if a value can have this size.
    fn facts(size: usize) -> Option<Self::Facts>;
}

/// Contents that are known only by their shape.
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
        const {
            let lanes = LaneCounts { lanes: T::LAYOUT.lanes(), counters: T::LAYOUT.counters() };
            Shape::of(size_of::<T>(), T::LAYOUT.atomic_words()).reserving(T::LAYOUT.has_reserved()).with_lanes(lanes)
        }
    }

    #[inline(always)]
    fn has_reserved(_: Shape) -> bool {
        const { T::LAYOUT.has_reserved() }
    }

    fn invalid_bits(invalid: usize, place: usize, bytes: &[u8]) -> Error {
        Error::invalid_bits(T::LAYOUT, invalid, place, bytes)
    }
}

impl<T: SharedValue> Typed for T {
    const SCHEMA: SchemaText = schema(T::LAYOUT, 0);
    const FINGERPRINT: u64 = <T as SharedValue>::FINGERPRINT;
    const EVOLVES: bool = T::LAYOUT.has_evolving();

    fn long_schema() -> String {
        schema_text(T::LAYOUT)
    }

    #[inline(always)]
    fn facts(size: usize) -> Option<()> {
        (size == size_of::<T>()).then_some(())
    }
}

impl<E: SharedValue> Contents for [E] {
    /// The shape of a whole number of elements. It has no atomic fields: atomic fields of elements lie in the slots.
    type Facts = Shape;

    #[inline(always)]
    fn shape(facts: &Shape) -> Shape {
        facts.slotted(false)
    }

    #[inline(always)]
    fn has_reserved(_: Shape) -> bool {
        const { E::LAYOUT.has_reserved() }
    }

    fn invalid_bits(invalid: usize, place: usize, bytes: &[u8]) -> Error {
        let start = invalid / size_of::<E>() * size_of::<E>();
        // Keeps only the bytes of the element, if more were copied.
        let bytes = bytes.get(start.saturating_sub(place)..).unwrap_or_default();
        let error = Error::invalid_bits(E::LAYOUT, invalid - start, place.max(start) - start, bytes);
        error.of_element(start / size_of::<E>(), E::LAYOUT)
    }
}

impl<E: SharedValue> Typed for [E] {
    const SCHEMA: SchemaText = slice_schema(E::LAYOUT, 0);
    const EVOLVES: bool = E::LAYOUT.has_evolving();

    fn long_schema() -> String {
        slice_schema_text(E::LAYOUT)
    }

    #[inline]
    fn facts(size: usize) -> Option<Shape> {
        let shape = || Shape::of(size, 0).reserving(const { E::LAYOUT.has_reserved() });
        size.is_multiple_of(size_of::<E>()).then(shape)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// A change copies a slot without marks as a whole: all of both slots must have memory.
    #[test]
    fn slots_without_marks_are_needed_as_a_whole() {
        let shape = Shape::growing(Growth::of_capacity(8, 50).expect("it is small"));
        assert_eq!(shape.marks(), 0);
        assert_eq!(shape.places(0..72).collect::<Vec<_>>(), [64..528, 528 + 48..528 + 48 + 464]);
        let shape = Shape::growing(Growth::of_capacity(8, 1 << 20).expect("it fits into memory"));
        let places: Vec<_> = shape.places(0..72).collect();
        let (stride, marks) = (shape.stride() * WORD, shape.place_of_marks());
        assert_eq!(places[..2], [64..136, 64 + stride..136 + stride]);
        assert!(places[2..].iter().all(|place| marks.start <= place.start && place.end <= marks.end));
        // Later needs begin where the first ones ended.
        let more: Vec<_> = shape.places(72..4096).collect();
        assert_eq!(more[..2], [136..4160, 136 + stride..4160 + stride]);
    }
}
