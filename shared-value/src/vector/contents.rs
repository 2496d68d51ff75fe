//! `Vector`: contents whose number of elements changes.

use std::fmt;
use std::marker::PhantomData;

use crate::error::Error;
use crate::format::contents::{Contents, Shape, Typed};
use crate::format::growth::Growth;
use crate::format::room::Room;
use crate::layout::{SchemaText, SharedValue, vector_schema, vector_schema_text};
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

impl<I: Items> Contents for Vector<I> {
    type Facts = Room;

    #[inline(always)]
    fn shape(facts: &Room) -> Shape {
        facts.shape().slotted(false)
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
    const SCHEMA: SchemaText = vector_schema(I::NAME, I::Element::LAYOUT, 0);
    const EVOLVES: bool = I::Element::LAYOUT.has_evolving();

    fn long_schema() -> String {
        vector_schema_text(I::NAME, I::Element::LAYOUT)
    }

    fn facts(size: usize) -> Option<Room> {
        let growth = Growth::of_size(size_of::<I::Element>(), size)?;
        Some(Room::unknown(growth, I::Element::LAYOUT.has_reserved()))
    }
}
