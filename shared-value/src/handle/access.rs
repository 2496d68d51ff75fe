//! What a handle may do with its value, as a type.
#![expect(
    private_bounds,
    private_interfaces,
    reason = "the sealed traits can be neither named nor called from outside"
)]

use core::ops::Range;

use crate::cell::{Cell, Guarding};
use crate::copy::{self, Unchecked};
use crate::copy::{Alone, AmongOthers, Merge};
use crate::error::Error;
use crate::format::contents::Contents;
use crate::handle::access::sealed::Read as _;
use crate::hold::Hold;
use crate::hold::patience::Patience;
use crate::hold::read::{self, CopyPieces, Timed};
use crate::layout::SharedValue;
use crate::lock::Wait;
use crate::protocol::atomics::AtomicU64;
use crate::share::Opening;

/// What a handle may do: the second parameter of [`Synchronized`](crate::Synchronized).
///
/// | | reads | writes | lock |
/// |---|---|---|---|
/// | [`ReadWrite`] | committed values | commits, crash-atomic | yes |
/// | [`ReadOnly`] | committed values | do not compile, and the kernel refuses them | no |
/// | [`Unlocked`] | words, as they are | words, at once | no |
///
/// A function that works with every access takes it as a parameter:
///
/// ```
/// use shared_value::{Access, Synchronized};
///
/// fn is_overdrawn<A: Access>(balance: &Synchronized<i64, A>) -> bool {
///     balance.get() < 0
/// }
///
/// let balance = Synchronized::new(-5_i64)?;
/// assert!(is_overdrawn(&balance) && is_overdrawn(&balance.read_only()?));
/// # Ok::<(), shared_value::Error>(())
/// ```
pub trait Access: sealed::Read + 'static {}

/// Access that can write: [`ReadWrite`] and [`Unlocked`].
#[diagnostic::on_unimplemented(
    message = "a handle with `{Self}` access cannot write",
    note = "open the value for reading and writing instead"
)]
pub trait Writable: Access + sealed::Write {}

/// Read, write and lock.
#[derive(Clone, Copy, Debug)]
pub enum ReadWrite {}

/// Read and nothing else: the descriptor is opened, and the memory mapped, for reading only.
///
/// ```
/// use shared_value::{ReadOnly, Synchronized};
///
/// let value = Synchronized::new(1_u64)?;
/// let reader: Synchronized<u64, ReadOnly> = value.read_only()?;
/// value.set(2)?;
/// assert_eq!(reader.get(), 2);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum ReadOnly {}

/// Read and write without any lock, as Python's `RawValue` does.
///
/// Each word is read and written as a whole, but a value of several words may be torn, and changes made at the same time
/// may be lost. There are no versions and no rollback. For values that one process writes at a time, and for words that
/// stand on their own.
///
/// ```
/// use shared_value::{Synchronized, Unlocked};
///
/// let progress: Synchronized<u64, Unlocked> = Synchronized::<u64>::options().unlocked().new(0_u64)?;
/// progress.set(50)?;
/// assert_eq!(progress.get(), 50);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Unlocked {}

impl Access for ReadWrite {}
impl Access for ReadOnly {}
impl Access for Unlocked {}
impl Writable for ReadWrite {}
impl Writable for Unlocked {}

/// Copies the whole value. Each atomic field is copied as it is at some moment during the call.
#[inline(always)]
pub(crate) fn whole<T: SharedValue, A: Access>(cell: &Cell<T>) -> Unchecked<T> {
    read::with_atomics(cell, A::field(cell, 0))
}

/// The operations that differ between kinds of access.
pub(crate) mod sealed {
    use super::{
        AtomicU64, Cell, Contents, CopyPieces, Error, Guarding, Hold, Merge, Opening, Patience, Range, SharedValue,
        Timed, Unchecked, Wait, copy,
    };

    pub trait Read {
        /// Whether a handle can take the lock of its value.
        const LOCKS: bool;

        /// Returns how a value is opened for this access, given the options for its lock.
        fn opening(guarding: &Guarding) -> Opening;

        /// Lets the closure copy from a slot. The closure may run several times; the last copy counts.
        fn read<C: Contents + ?Sized, R>(cell: &Cell<C>, copy: impl FnMut(&[AtomicU64]) -> R) -> R;

        /// Lets the closure copy these bytes as `read` does, but a large copy ends as soon as a commit overtakes it.
        fn read_pieces<C: Contents + ?Sized>(cell: &Cell<C>, bytes: Range<usize>, copy: &mut CopyPieces<'_>);

        /// Returns the ways to read until a time. An unlocked value is read as if its version 0 stayed.
        fn timed<C: Contents + ?Sized>(cell: &Cell<C>, wait: Wait) -> Timed<'_, C>;

        #[inline(always)]
        fn field<C: Contents + ?Sized, F: SharedValue>(cell: &Cell<C>, offset: usize) -> Unchecked<F> {
            if const { Unchecked::<F>::IS_LARGE } {
                Unchecked::by(offset, |copy| Self::read(cell, copy))
            } else {
                Self::read(cell, move |slot| copy::load(slot, offset))
            }
        }
    }

    pub trait Write {
        /// How parts of words are changed.
        type Merge: Merge;

        /// Lets the closure write these bytes of a slot. It must not panic.
        fn change<C: Contents + ?Sized>(
            cell: &Cell<C>,
            patience: impl Patience,
            bytes: &Range<usize>,
            write: impl FnOnce(&[AtomicU64]),
        ) -> Result<(), Error>;

        #[inline(always)]
        fn set<C: Contents + ?Sized, F: SharedValue>(
            cell: &Cell<C>,
            patience: impl Patience,
            offset: usize,
            value: &F,
        ) -> Result<(), Error> {
            Self::change(cell, patience, &copy::range::<F>(offset), |slot| {
                copy::store_by::<Self::Merge, F>(slot, offset, value);
            })
        }

        fn update<C: Contents + ?Sized, F: SharedValue, R>(
            cell: &Cell<C>,
            patience: impl Patience,
            offset: usize,
            change: impl FnOnce(&mut F) -> R,
        ) -> Result<R, Error>;

        fn update_whole<T: SharedValue, R>(
            cell: &Cell<T>,
            patience: impl Patience,
            change: impl FnOnce(&mut T) -> R,
        ) -> Result<R, Error>;

        /// Lets `change` change a copy of these bytes, which `copy` makes and `write` writes back.
        fn update_copy<C: Contents + ?Sized, V, R, E: From<Error>>(
            cell: &Cell<C>,
            patience: impl Patience,
            bytes: &Range<usize>,
            copy: impl FnOnce(&[AtomicU64]) -> Result<V, Error>,
            change: impl FnOnce(&mut V) -> Result<R, E>,
            write: impl FnOnce(&[AtomicU64], &V),
        ) -> Result<R, E>;

        /// Lets `change` change what `read` makes under the lock, and `write` write it into the draft, in one commit.
        ///
        /// # Errors
        /// `Unsupported` without a lock.
        fn update_held<C: Contents + ?Sized, V, R>(
            cell: &Cell<C>,
            patience: impl Patience,
            read: impl FnOnce(&Hold<'_, C>) -> Result<V, Error>,
            change: impl FnOnce(&Hold<'_, C>, &mut V) -> Result<R, Error>,
            write: impl FnOnce(&Hold<'_, C>, &V),
        ) -> Result<R, Error>;
    }
}

impl sealed::Read for ReadWrite {
    const LOCKS: bool = true;

    fn opening(guarding: &Guarding) -> Opening {
        Opening::ReadWrite(guarding.clone())
    }

    #[inline(always)]
    fn read<C: Contents + ?Sized, R>(cell: &Cell<C>, copy: impl FnMut(&[AtomicU64]) -> R) -> R {
        read::whole_version(cell, copy)
    }

    fn read_pieces<C: Contents + ?Sized>(cell: &Cell<C>, bytes: Range<usize>, copy: &mut CopyPieces<'_>) {
        read::pieces_of_version(cell, bytes, copy);
    }

    fn timed<C: Contents + ?Sized>(cell: &Cell<C>, wait: Wait) -> Timed<'_, C> {
        Timed::whole_version(cell, wait)
    }
}

impl sealed::Read for ReadOnly {
    const LOCKS: bool = false;

    fn opening(_: &Guarding) -> Opening {
        Opening::ReadOnly
    }

    #[inline(always)]
    fn read<C: Contents + ?Sized, R>(cell: &Cell<C>, copy: impl FnMut(&[AtomicU64]) -> R) -> R {
        read::without_lock(cell, copy)
    }

    fn read_pieces<C: Contents + ?Sized>(cell: &Cell<C>, bytes: Range<usize>, copy: &mut CopyPieces<'_>) {
        read::pieces_without_lock(cell, bytes, copy);
    }

    fn timed<C: Contents + ?Sized>(cell: &Cell<C>, wait: Wait) -> Timed<'_, C> {
        Timed::without_lock(cell, wait)
    }
}

impl sealed::Read for Unlocked {
    const LOCKS: bool = false;

    fn opening(_: &Guarding) -> Opening {
        Opening::ReadWrite(Guarding::None)
    }

    #[inline(always)]
    fn read<C: Contents + ?Sized, R>(cell: &Cell<C>, copy: impl FnMut(&[AtomicU64]) -> R) -> R {
        read::as_it_is(cell, copy)
    }

    fn read_pieces<C: Contents + ?Sized>(cell: &Cell<C>, bytes: Range<usize>, copy: &mut CopyPieces<'_>) {
        copy(cell.slots().first(), bytes);
    }

    fn timed<C: Contents + ?Sized>(cell: &Cell<C>, wait: Wait) -> Timed<'_, C> {
        Timed::without_lock(cell, wait)
    }
}

impl sealed::Write for ReadWrite {
    type Merge = Alone;

    #[inline(always)]
    fn change<C: Contents + ?Sized>(
        cell: &Cell<C>,
        patience: impl Patience,
        bytes: &Range<usize>,
        write: impl FnOnce(&[AtomicU64]),
    ) -> Result<(), Error> {
        match cell.unencumbered() {
            Some(brief) => Ok(cell.change_briefly(brief, patience, bytes, write)?),
            None => change_by_any(cell, patience, bytes, write),
        }
    }

    #[inline(always)]
    fn update<C: Contents + ?Sized, F: SharedValue, R>(
        cell: &Cell<C>,
        patience: impl Patience,
        offset: usize,
        change: impl FnOnce(&mut F) -> R,
    ) -> Result<R, Error> {
        let read = |slot: &[AtomicU64]| copy::load(slot, offset);
        match cell.unencumbered() {
            Some(brief) => cell.update_briefly(brief, patience, offset, read, change),
            None => update_by_any(cell, patience, offset, read, |hold| hold.read(offset), change),
        }
    }

    #[inline(always)]
    fn update_whole<T: SharedValue, R>(
        cell: &Cell<T>,
        patience: impl Patience,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, Error> {
        let read = |slot: &[AtomicU64]| read::with_atomics(cell, copy::load(slot, 0));
        match cell.unencumbered() {
            Some(brief) => cell.update_briefly(brief, patience, 0, read, change),
            None => update_by_any(cell, patience, 0, read, read::whole_held, change),
        }
    }

    fn update_copy<C: Contents + ?Sized, V, R, E: From<Error>>(
        cell: &Cell<C>,
        patience: impl Patience,
        bytes: &Range<usize>,
        copy: impl FnOnce(&[AtomicU64]) -> Result<V, Error>,
        change: impl FnOnce(&mut V) -> Result<R, E>,
        write: impl FnOnce(&[AtomicU64], &V),
    ) -> Result<R, E> {
        cell.locked(patience, |hold| hold.update_through(bytes, |hold| copy(hold.current()), change, write))
    }

    fn update_held<C: Contents + ?Sized, V, R>(
        cell: &Cell<C>,
        patience: impl Patience,
        read: impl FnOnce(&Hold<'_, C>) -> Result<V, Error>,
        change: impl FnOnce(&Hold<'_, C>, &mut V) -> Result<R, Error>,
        write: impl FnOnce(&Hold<'_, C>, &V),
    ) -> Result<R, Error> {
        cell.locked(patience, |hold| hold.edit_through(read, change, write))
    }
}

/// Changes these bytes in the general case of `change`.
#[inline(never)]
fn change_by_any<C: Contents + ?Sized>(
    cell: &Cell<C>,
    patience: impl Patience,
    bytes: &Range<usize>,
    write: impl FnOnce(&[AtomicU64]),
) -> Result<(), Error> {
    if let Some(brief) = cell.unencumbered_by_any() {
        return Ok(cell.change_briefly(brief, patience, bytes, write)?);
    }
    cell.locked(patience, |hold| {
        hold.change_through(bytes, write);
        Ok(())
    })
}

/// Updates in the general case of `update`: this thread holds other locks, or this one, or the lock is of another kind.
#[inline(never)]
fn update_by_any<C: Contents + ?Sized, F: SharedValue, R>(
    cell: &Cell<C>,
    patience: impl Patience,
    offset: usize,
    read: impl FnOnce(&[AtomicU64]) -> Unchecked<F>,
    read_held: impl FnOnce(&Hold<'_, C>) -> Unchecked<F>,
    change: impl FnOnce(&mut F) -> R,
) -> Result<R, Error> {
    if let Some(brief) = cell.unencumbered_by_any() {
        return cell.update_briefly(brief, patience, offset, read, change);
    }
    cell.locked(patience, |hold| {
        let read = |hold: &Hold<'_, C>| read_held(hold).check_in::<C>(offset);
        let write = |slot: &[AtomicU64], value: &F| copy::store(slot, offset, value);
        hold.update_through(&copy::range::<F>(offset), read, |value| Ok(change(value)), write)
    })
}

impl sealed::Write for Unlocked {
    type Merge = AmongOthers;

    #[inline(always)]
    fn change<C: Contents + ?Sized>(
        cell: &Cell<C>,
        _: impl Patience,
        _: &Range<usize>,
        write: impl FnOnce(&[AtomicU64]),
    ) -> Result<(), Error> {
        write(cell.slots().first());
        Ok(())
    }

    #[inline(always)]
    fn update<C: Contents + ?Sized, F: SharedValue, R>(
        cell: &Cell<C>,
        patience: impl Patience,
        offset: usize,
        change: impl FnOnce(&mut F) -> R,
    ) -> Result<R, Error> {
        let mut value = Self::field(cell, offset).check_in::<C>(offset)?;
        let result = change(&mut value);
        Self::set(cell, patience, offset, &value)?;
        Ok(result)
    }

    #[inline(always)]
    fn update_whole<T: SharedValue, R>(
        cell: &Cell<T>,
        patience: impl Patience,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, Error> {
        let mut value = read::with_atomics(cell, Self::field(cell, 0)).check()?;
        let result = change(&mut value);
        Self::set(cell, patience, 0, &value)?;
        Ok(result)
    }

    fn update_copy<C: Contents + ?Sized, V, R, E: From<Error>>(
        cell: &Cell<C>,
        _: impl Patience,
        _: &Range<usize>,
        copy: impl FnOnce(&[AtomicU64]) -> Result<V, Error>,
        change: impl FnOnce(&mut V) -> Result<R, E>,
        write: impl FnOnce(&[AtomicU64], &V),
    ) -> Result<R, E> {
        let slot = cell.slots().first();
        let mut value = copy(slot)?;
        let result = change(&mut value)?;
        write(slot, &value);
        Ok(result)
    }

    fn update_held<C: Contents + ?Sized, V, R>(
        _: &Cell<C>,
        _: impl Patience,
        _: impl FnOnce(&Hold<'_, C>) -> Result<V, Error>,
        _: impl FnOnce(&Hold<'_, C>, &mut V) -> Result<R, Error>,
        _: impl FnOnce(&Hold<'_, C>, &V),
    ) -> Result<R, Error> {
        Err(Error::Unsupported {
            what: "the number of elements changes only under a lock, which this value does not have",
        })
    }
}
