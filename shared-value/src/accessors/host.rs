//! `Host`: the types that have functions for fields and elements, and the operations of each kind of host.
#![expect(
    private_bounds,
    private_interfaces,
    reason = "the sealed traits can be neither named nor called from outside"
)]

use std::ops::Range;

use crate::cell::Cell;
use crate::copy::{self, Merge, Unchecked, is_boxed};
use crate::error::Error;
use crate::format::contents::Contents;
use crate::hold::Hold;
use crate::hold::read::{self, CopyPieces};
use crate::layout::SharedValue;
use crate::protocol::atomics::AtomicU64;

/// A type with parts: a handle, a guard, a [`Part`](crate::Part) of one, or the [`View`](crate::View) that names parts to be
/// read together.
// The functions for fields are not methods: in a program that imports the trait, a method `field` would hide the getter of a
// field with that name.
pub trait Host: sealed::Start {
    /// The type of the value or the part.
    type Value: ?Sized;

    /// A part of the host. A part of a part refers to the root directly, so it may outlive the part in between.
    type Part<'p, F: 'static>
    where
        Self: 'p;

    /// Returns the part that starts at byte `start` of the root.
    #[doc(hidden)]
    fn part<F: 'static>(&self, start: usize) -> Self::Part<'_, F>;

    /// Returns the field of this number.
    #[doc(hidden)]
    #[inline(always)]
    fn field<F: 'static>(host: &Self, number: usize) -> Self::Part<'_, F>
    where
        Self::Value: SharedValue,
    {
        host.part(start(host, number))
    }
}

/// A host that can be read: a handle, a guard, or a part of one.
pub trait Reader: Host + sealed::ReadAt {
    /// Copies the field of this number.
    #[doc(hidden)]
    #[inline(always)]
    #[track_caller]
    fn get_field<F: SharedValue>(host: &Self, number: usize) -> F
    where
        Self::Value: SharedValue,
    {
        get(host, start(host, number))
    }
}

/// A host that can be written: a handle that is not read-only, a guard, or a part of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot write",
    note = "open the value for reading and writing instead"
)]
pub trait Writer: Reader + sealed::WriteAt {
    /// Replaces the field of this number.
    #[doc(hidden)]
    #[inline(always)]
    fn set_field<F: SharedValue>(host: &Self, number: usize, value: F) -> Result<(), Error>
    where
        Self::Value: SharedValue,
    {
        host.set_at(start(host, number), &value)
    }

    /// Lets the closure change the field of this number.
    #[doc(hidden)]
    #[inline(always)]
    fn update_field<F: SharedValue, R>(host: &Self, number: usize, change: impl FnOnce(&mut F) -> R) -> Result<R, Error>
    where
        Self::Value: SharedValue,
    {
        update(host, start(host, number), change)
    }
}

/// A handle or a guard. Atomic fields are atomic only in the root: in a nested struct they are ordinary bytes.
pub trait Root: Reader + sealed::AtomicWords {}

/// Returns where the field with this number starts in the root. It is a constant if the number is a constant.
#[inline(always)]
fn start<H: Host<Value: SharedValue> + ?Sized>(host: &H, number: usize) -> usize {
    host.start() + <H::Value as SharedValue>::FIELDS[number].offset()
}

/// Copies the `F` that starts at byte `start` of the root.
///
/// # Panics
/// If another process wrote bytes that are not an `F`.
#[inline(always)]
#[track_caller]
pub(crate) fn get<F: SharedValue, H: sealed::ReadAt + ?Sized>(host: &H, start: usize) -> F {
    host.copy_at::<F>(start).valid_in::<H::Contents>(start)
}

/// Lets the closure change the `F` that starts at byte `start` of the root. The copy lies on the heap if it is too large for
/// the stack.
#[inline(always)]
pub(crate) fn update<F: SharedValue, R, H: sealed::WriteAt + ?Sized>(
    host: &H,
    start: usize,
    change: impl FnOnce(&mut F) -> R,
) -> Result<R, Error> {
    if const { is_boxed::<F>() } {
        host.update_copy(
            &copy::range::<F>(start),
            |slot| read::elements::<H::Contents, F>(start, 1, |bytes, copy| _ = copy(slot, bytes)),
            |value| Ok(change(&mut value[0])),
            |slot, value| copy::store_by::<H::Merge, F>(slot, start, &value[0]),
        )
    } else {
        host.update_at(start, change)
    }
}

/// The operations that differ between hosts. Places are counted in bytes from the start of the root.
pub(crate) mod sealed {
    use super::{AtomicU64, Cell, Contents, CopyPieces, Error, Hold, Merge, Range, SharedValue, Unchecked, copy};

    pub trait Start {
        /// Returns where the host starts.
        fn start(&self) -> usize;

        /// Returns the bytes of the host.
        fn size(&self) -> usize;
    }

    pub trait ReadAt: Start {
        /// The contents of the root. Errors name the places in these contents.
        type Contents: Contents + ?Sized;

        fn copy_at<F: SharedValue>(&self, start: usize) -> Unchecked<F>;

        /// Lets the closure copy from a slot. The closure may run several times; the last copy counts.
        fn read_with<R>(&self, copy: impl FnMut(&[AtomicU64]) -> R) -> R;

        /// Lets the closure copy these bytes as `read_with` does, but a large copy ends as soon as a commit overtakes it.
        fn read_pieces(&self, bytes: Range<usize>, copy: &mut CopyPieces<'_>);
    }

    pub trait WriteAt: ReadAt {
        /// How parts of words are changed.
        type Merge: Merge;

        /// Lets the closure write these bytes of a slot. It must not panic.
        fn change(&self, bytes: &Range<usize>, write: impl FnOnce(&[AtomicU64])) -> Result<(), Error>;

        /// Replaces the `F` at this place.
        #[inline(always)]
        fn set_at<F: SharedValue>(&self, start: usize, value: &F) -> Result<(), Error> {
            self.change(&copy::range::<F>(start), |slot| copy::store_by::<Self::Merge, F>(slot, start, value))
        }

        /// Lets the closure change the `F` at this place.
        #[inline(always)]
        fn update_at<F: SharedValue, R>(&self, start: usize, change: impl FnOnce(&mut F) -> R) -> Result<R, Error> {
            self.update_copy(
                &copy::range::<F>(start),
                |slot| copy::load::<F>(slot, start).check_in::<Self::Contents>(start),
                |value| Ok(change(value)),
                |slot, value| copy::store_by::<Self::Merge, F>(slot, start, value),
            )
        }

        /// Lets `change` change a copy of these bytes that `copy` makes and `write` writes back, unless `change` fails.
        fn update_copy<V, R>(
            &self,
            bytes: &Range<usize>,
            copy: impl FnOnce(&[AtomicU64]) -> Result<V, Error>,
            change: impl FnOnce(&mut V) -> Result<R, Error>,
            write: impl FnOnce(&[AtomicU64], &V),
        ) -> Result<R, Error>;

        /// Lets `change` change what `read` makes under the lock, and `write` write it into the draft, unless `change` fails. All of it
        /// is one commit. `read` and `write` must not panic.
        ///
        /// # Errors
        /// `Unsupported` if the handle has no lock.
        fn update_held<V, R>(
            &self,
            read: impl FnOnce(&Hold<'_, Self::Contents>) -> Result<V, Error>,
            change: impl FnOnce(&Hold<'_, Self::Contents>, &mut V) -> Result<R, Error>,
            write: impl FnOnce(&Hold<'_, Self::Contents>, &V),
        ) -> Result<R, Error>;
    }

    pub trait AtomicWords: ReadAt {
        /// Returns the atomic word of this number.
        #[inline(always)]
        fn word(&self, number: usize) -> &AtomicU64 {
            self.cell().atomic(number)
        }

        /// Returns the facts about the value that are not in its memory.
        fn facts(&self) -> &<Self::Contents as Contents>::Facts {
            self.cell().facts()
        }

        fn cell(&self) -> &Cell<Self::Contents>;
    }
}
