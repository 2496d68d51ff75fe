//! `Vector`: contents whose number of elements changes.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::Error;
use crate::format::contents::{Contents, Shape, Typed};
use crate::format::growth::Growth;
use crate::layout::{SharedValue, vector_fingerprint, vector_schema_text};
use crate::vector::items::Items;

/// The type of a value whose length changes: [`SharedVec<E>`](crate::SharedVec) is `Synchronized<Vector<E>>`,
/// [`SharedString`](crate::SharedString) is `Synchronized<Vector<Text>>`.
pub struct Vector<I: Items> {
    items: PhantomData<fn() -> I>,
}

impl<I: Items> fmt::Debug for Vector<I> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Vector")
    }
}

/// The facts about a vector that are not in its memory.
#[derive(Debug)]
pub(crate) struct Room {
    shape: Shape,
    growth: Growth,
    /// How many bytes of each slot have memory, as far as this handle knows; in a new vector, how many are used.
    reserved: AtomicUsize,
}

impl Room {
    /// Returns the facts of a vector with this capacity, which begins with `length` elements.
    pub(super) fn of<E: SharedValue>(growth: Growth, length: usize) -> Self {
        let shape = Shape::growing(growth).reserving(E::LAYOUT.has_reserved());
        Self { shape, growth, reserved: AtomicUsize::new(growth.end_of(length)) }
    }

    #[inline(always)]
    pub(super) fn growth(&self) -> Growth {
        self.growth
    }

    /// Returns how many bytes of each slot surely have memory.
    #[inline(always)]
    pub(super) fn reserved(&self) -> usize {
        self.reserved.load(Ordering::Relaxed)
    }

    pub(super) fn note_reserved(&self, bytes: usize) {
        self.reserved.fetch_max(bytes, Ordering::Relaxed);
    }
}

impl Clone for Room {
    fn clone(&self) -> Self {
        Self { reserved: AtomicUsize::new(self.reserved()), ..*self }
    }
}

impl<I: Items> Contents for Vector<I> {
    type Facts = Room;

    #[inline(always)]
    fn shape(facts: &Room) -> Shape {
        facts.shape.slotted(false)
    }

    #[inline(always)]
    fn has_reserved(_: Shape) -> bool {
        const { I::Element::LAYOUT.has_reserved() }
    }

    fn used_at_first(facts: &Room) -> usize {
        facts.reserved()
    }

    fn invalid_bits(invalid: usize, place: usize, bytes: &[u8]) -> Error {
        let head = Growth::HEAD;
        <[I::Element]>::invalid_bits(invalid.saturating_sub(head), place.saturating_sub(head), bytes)
    }
}

impl<I: Items> Typed for Vector<I> {
    const FINGERPRINT: u64 = vector_fingerprint(I::NAME, I::Element::LAYOUT);
    const EVOLVES: bool = I::Element::LAYOUT.has_evolving();

    fn schema() -> String {
        vector_schema_text(I::NAME, I::Element::LAYOUT)
    }

    fn facts(size: usize) -> Option<Room> {
        let growth = Growth::of_size(size_of::<I::Element>(), size)?;
        // No memory is known to be reserved.
        let room = Room::of::<I::Element>(growth, 0);
        room.reserved.store(0, Ordering::Relaxed);
        Some(room)
    }
}
