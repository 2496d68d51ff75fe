//! `SharedOption`: a value that may be missing.
#![allow(unsafe_code)]

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::mem::offset_of;

use crate::layout::metadata::Form;
use crate::layout::types::placeholder::placeholder;
use crate::layout::{Field, FieldVisitor, Layout, SharedValue};

/// A value that may be missing, with a fixed layout, which `Option<T>` does not have.
///
/// It converts from and to `Option<T>`, and prints and serializes as one. An `Option` of a `NonZero` integer can be shared
/// as it is, and takes no more bytes than the integer.
///
/// ```
/// use shared_value::{SharedOption, SharedValue};
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Task { priority: u32, worker: SharedOption<u32> }
///
/// let task = SynchronizedTask::new(Task { priority: 7, worker: None.into() })?;
/// assert!(task.worker().is_none());
/// task.set_worker(Some(3).into())?;
/// assert_eq!(task.worker().get(), Some(3));
/// # Ok::<(), shared_value::Error>(())
/// ```
///
/// # Layout
/// A `#[repr(C)]` struct of two fields, which is what other languages see: `is_some`, a `bool` at offset 0, and `value`, a
/// `T` behind it, at the next multiple of its alignment. Its size is the size of `T` plus the alignment of `T`: 8 bytes for
/// a `u32`, 16 for a `u64`.
///
/// ```
/// # use shared_value::{SharedOption, SharedValue};
/// assert_eq!(SharedOption::<u32>::TYPECODE, "T{<?:is_some:3x<I:value:}");
/// ```
///
/// The bytes of `value` are a valid `T` even if `is_some` is false, and are checked in both cases. If `is_some` is false,
/// this library writes zeros, but 1 for a `NonZero` integer and the first variant for an enum that has no zero. A program in
/// another language that sets `is_some` to 0 may leave `value` as it is.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct SharedOption<T> {
    is_some: bool,
    /// If `is_some` is false and this library wrote the option, a placeholder.
    value: T,
}

impl<T: SharedValue> SharedOption<T> {
    /// Makes an option with a value.
    pub const fn some(value: T) -> Self {
        Self { is_some: true, value }
    }

    /// Makes an option without a value.
    #[inline]
    pub fn none() -> Self {
        Self { is_some: false, value: placeholder() }
    }

    /// Returns the value, if there is one.
    #[inline]
    pub const fn get(&self) -> Option<T> {
        if self.is_some { Some(self.value) } else { None }
    }

    /// Returns a reference to the value of this copy, if there is one.
    #[inline]
    pub const fn as_ref(&self) -> Option<&T> {
        if self.is_some { Some(&self.value) } else { None }
    }

    /// Returns a mutable reference to the value of this copy, if there is one.
    #[inline]
    pub const fn as_mut(&mut self) -> Option<&mut T> {
        if self.is_some { Some(&mut self.value) } else { None }
    }

    /// Returns whether there is a value.
    #[inline]
    pub const fn is_some(&self) -> bool {
        self.is_some
    }

    /// Returns whether there is no value.
    #[inline]
    pub const fn is_none(&self) -> bool {
        !self.is_some
    }

    /// Takes the value out, and leaves an option without one.
    #[inline]
    pub fn take(&mut self) -> Option<T> {
        core::mem::take(self).get()
    }
}

// SAFETY: the type is a `repr(C)` struct. Its two fields are shown with the offsets that the compiler gave them. Each pair
// of valid fields is a value.
unsafe impl<T: SharedValue> SharedValue for SharedOption<T> {
    const FIELDS: &'static [Field] =
        &[Field::new::<bool>("is_some", offset_of!(Self, is_some)), Field::new::<T>("value", offset_of!(Self, value))];
    const LAYOUT: &'static Layout = &Layout::structure::<Self>("SharedOption", Self::FIELDS).printed_as(Form::Option);
    const HAS_COUNTERS: bool = T::HAS_COUNTERS;

    #[inline(always)]
    fn fields<V: FieldVisitor>(visitor: &mut V) {
        visitor.field::<bool>(offset_of!(Self, is_some));
        visitor.field::<T>(offset_of!(Self, value));
    }
}

/// An option without a value.
impl<T: SharedValue> Default for SharedOption<T> {
    fn default() -> Self {
        Self::none()
    }
}

impl<T: SharedValue> From<Option<T>> for SharedOption<T> {
    fn from(option: Option<T>) -> Self {
        option.map_or_else(Self::none, Self::some)
    }
}

impl<T: SharedValue> From<SharedOption<T>> for Option<T> {
    fn from(option: SharedOption<T>) -> Self {
        option.get()
    }
}

/// Compares as `Option` does: two options without a value are equal.
impl<T: SharedValue + PartialEq> PartialEq for SharedOption<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl<T: SharedValue + Eq> Eq for SharedOption<T> {}

impl<T: SharedValue + PartialEq> PartialEq<Option<T>> for SharedOption<T> {
    fn eq(&self, other: &Option<T>) -> bool {
        self.as_ref() == other.as_ref()
    }
}

/// Orders as `Option` does: an option without a value comes first.
impl<T: SharedValue + PartialOrd> PartialOrd for SharedOption<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.as_ref().partial_cmp(&other.as_ref())
    }
}

impl<T: SharedValue + Ord> Ord for SharedOption<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_ref().cmp(&other.as_ref())
    }
}

impl<T: SharedValue + Hash> Hash for SharedOption<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_ref().hash(state);
    }
}

/// Prints as `Option` does: `Some(7)` or `None`.
impl<T: SharedValue + fmt::Debug> fmt::Debug for SharedOption<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(formatter)
    }
}
