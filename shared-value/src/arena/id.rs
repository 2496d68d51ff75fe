//! `ValueId`: where a value lies in its arena.
#![allow(unsafe_code)]

use core::fmt;

use crate::arena::heap::{TRAILER, Trailer};
use crate::layout::{Field, FieldVisitor, Layout, SharedValue};

/// Where a value lies in its arena, and which of those that have lain there: eight bytes that any process can use.
///
/// It is a value itself, so that structs in an arena can refer to others there. Once the value is removed, it leads
/// nowhere, also when another has taken the place.
///
/// ```
/// use shared_value::Arena;
///
/// let arena = Arena::anonymous(1 << 20)?;
/// let value = arena.value(7_u32)?;
/// let id = arena.id_of(&value).expect("it lies there");
/// let known = arena.create("the value", id)?;
/// assert_eq!(arena.at::<u32>(known.get())?.get(), 7);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct ValueId(u64);

const GENERATION_BITS: u32 = 16;

impl ValueId {
    #[expect(clippy::cast_possible_truncation, reason = "generations begin again")]
    pub(super) fn of(block: &Trailer) -> Self {
        Self(((block.at / TRAILER) as u64) << GENERATION_BITS | u64::from(block.generation as u16))
    }

    /// Where the trailer of its block lies.
    pub(super) fn trailer(self) -> usize {
        (self.0 >> GENERATION_BITS) as usize * TRAILER
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower bits are the generation")]
    pub(super) fn generation(self) -> u64 {
        u64::from(self.0 as u16)
    }

    /// The id as a number, to write it down.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// The id of a number that was written down; of another number, an id that leads nowhere or to some value.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl fmt::Display for ValueId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

// SAFETY: the newtype is one integer, which the layout describes. Every integer is an id, if perhaps of nothing.
unsafe impl SharedValue for ValueId {
    const FIELDS: &'static [Field] = &[Field::new::<u64>("0", 0)];
    const LAYOUT: &'static Layout = &Layout::newtype::<Self>("ValueId", Self::FIELDS);

    fn fields<V: FieldVisitor>(visitor: &mut V) {
        visitor.field::<u64>(0);
    }
}
