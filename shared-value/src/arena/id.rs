//! `Id`: where a value lies in its arena.
#![allow(unsafe_code)]

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::num::NonZeroU64;

use crate::heap::BlockId;
use crate::layout::{Field, FieldVisitor, Layout, SharedValue};

/// Where a value of type `C` lies in its [`Arena`](crate::Arena): eight bytes that mean the same in every process.
///
/// An id is a value itself, and so is an `Option` of one: fields of these types make lists, trees and graphs. Once the value
/// is removed, its id never finds a value again, even if its memory is reused.
///
/// ```
/// use shared_value::{Arena, Id, SharedValue};
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Node { value: i64, next: Option<Id<Node>> }
///
/// let arena = Arena::new(1 << 20)?;
/// let mut head = None;
/// for value in 1..=3 {
///     head = Some(arena.alloc(Node { value, next: head })?);
/// }
/// let (mut next, mut values) = (head, Vec::new());
/// while let Some(node) = next.map(|id| arena.get(id)).transpose()?.flatten() {
///     values.push(node.value());
///     next = node.next();
/// }
/// assert_eq!(values, [3, 2, 1]);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[repr(transparent)]
pub struct Id<C: ?Sized>(NonZeroU64, PhantomData<fn() -> C>);

impl<C: ?Sized> Id<C> {
    /// Returns the id of a block. No block has the number zero, because the header of the segment lies there.
    #[inline]
    pub(super) fn of(block: BlockId) -> Self {
        Self::from_bits(NonZeroU64::new(block.to_bits()).unwrap_or(NonZeroU64::MIN))
    }

    /// Returns the id with this number, unless it is zero.
    pub(crate) fn of_number(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self::from_bits)
    }

    #[inline]
    pub(super) fn block(self) -> BlockId {
        BlockId::from_bits(self.to_bits().get())
    }

    /// Returns the id as a number, for a file, a message or another language.
    pub const fn to_bits(self) -> NonZeroU64 {
        self.0
    }

    /// Returns the id of a number from [`to_bits`](Self::to_bits). Any other number makes an id that finds nothing, or some
    /// value of its arena.
    pub const fn from_bits(bits: NonZeroU64) -> Self {
        Self(bits, PhantomData)
    }
}

// SAFETY: the id is one integer. Every bit pattern except zero is valid, as the type of the field says.
unsafe impl<C: ?Sized + 'static> SharedValue for Id<C> {
    const FIELDS: &'static [Field] = &[Field::new::<NonZeroU64>("0", 0)];
    // Not the layout of `C`, which may contain this id.
    const LAYOUT: &'static Layout = &Layout::newtype::<Self>("Id", Self::FIELDS);

    #[inline(always)]
    fn fields<V: FieldVisitor>(visitor: &mut V) {
        visitor.field::<NonZeroU64>(0);
    }
}

// SAFETY: the standard library promises that `Option` of a transparent struct around a `NonZeroU64` is one integer, and that
// zero is `None`. So every bit pattern is valid, as the type of the field says.
unsafe impl<C: ?Sized + 'static> SharedValue for Option<Id<C>> {
    const FIELDS: &'static [Field] = &[Field::new::<Option<NonZeroU64>>("0", 0)];
    const LAYOUT: &'static Layout = &Layout::newtype::<Self>("OptionId", Self::FIELDS);

    #[inline(always)]
    fn fields<V: FieldVisitor>(visitor: &mut V) {
        visitor.field::<Option<NonZeroU64>>(0);
    }
}

impl<C: ?Sized> Clone for Id<C> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: ?Sized> Copy for Id<C> {}

impl<C: ?Sized> PartialEq for Id<C> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<C: ?Sized> Eq for Id<C> {}

impl<C: ?Sized> PartialOrd for Id<C> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<C: ?Sized> Ord for Id<C> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl<C: ?Sized> Hash for Id<C> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<C: ?Sized> fmt::Debug for Id<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Id({:#x})", self.0)
    }
}

/// The number of [`to_bits`](Id::to_bits).
impl<C: ?Sized> fmt::Display for Id<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
