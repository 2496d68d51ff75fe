//! What a handle may do with its value, as a type.
#![expect(
    private_bounds,
    private_interfaces,
    reason = "the sealed traits can be neither named nor called from outside"
)]

use crate::cell::Cell;
use crate::contents::Contents;
use crate::error::Error;
use crate::hold::Hold;
use crate::layout::SharedValue;
use crate::read;
use crate::words::{self, Unchecked};

/// What a handle may do: the second parameter of [`Synchronized`](crate::Synchronized).
///
/// | | reads | writes | lock |
/// |---|---|---|---|
/// | [`ReadWrite`] | committed values | commits, crash-atomic | yes |
/// | [`ReadOnly`] | committed values | do not compile, and the kernel refuses them | no |
/// | [`Unlocked`] | words, as they are | words, at once | no |
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

/// Read and nothing else: the memory is mapped so, from a descriptor that was opened so.
#[derive(Clone, Copy, Debug)]
pub enum ReadOnly {}

/// Read and write without any lock, as Python's `RawValue` does.
///
/// Each word is read and written as a whole, but a value of several words may be torn, and changes made at the same time
/// may be lost. There are no versions and no rollback. For values that one process writes at a time, and for words that
/// stand on their own.
#[derive(Clone, Copy, Debug)]
pub enum Unlocked {}

impl Access for ReadWrite {}
impl Access for ReadOnly {}
impl Access for Unlocked {}
impl Writable for ReadWrite {}
impl Writable for Unlocked {}

/// The operations that differ.
pub(crate) mod sealed {
    use super::{Cell, Contents, Error, SharedValue, Unchecked};

    pub trait Read {
        fn field<C: Contents + ?Sized, F: SharedValue>(cell: &Cell<C>, offset: usize) -> Unchecked<F>;
    }

    pub trait Write {
        fn set<C: Contents + ?Sized, F: SharedValue>(cell: &Cell<C>, offset: usize, value: &F) -> Result<(), Error>;

        fn update<C: Contents + ?Sized, F: SharedValue, R>(
            cell: &Cell<C>,
            offset: usize,
            change: impl FnOnce(&mut F) -> R,
        ) -> Result<R, Error>;

        fn update_whole<T: SharedValue, R>(cell: &Cell<T>, change: impl FnOnce(&mut T) -> R) -> Result<R, Error>;
    }
}

impl sealed::Read for ReadWrite {
    #[inline(always)]
    fn field<C: Contents + ?Sized, F: SharedValue>(cell: &Cell<C>, offset: usize) -> Unchecked<F> {
        read::field(cell, offset)
    }
}

impl sealed::Read for ReadOnly {
    #[inline(always)]
    fn field<C: Contents + ?Sized, F: SharedValue>(cell: &Cell<C>, offset: usize) -> Unchecked<F> {
        read::field_without_lock(cell, offset)
    }
}

impl sealed::Read for Unlocked {
    #[inline(always)]
    fn field<C: Contents + ?Sized, F: SharedValue>(cell: &Cell<C>, offset: usize) -> Unchecked<F> {
        read::field_of_now(cell, offset)
    }
}

impl sealed::Write for ReadWrite {
    #[inline(always)]
    fn set<C: Contents + ?Sized, F: SharedValue>(cell: &Cell<C>, offset: usize, value: &F) -> Result<(), Error> {
        match cell.unencumbered() {
            Some(thread) => Ok(cell.set_briefly(thread, offset, value)?),
            None => set_in_hold(cell, offset, value),
        }
    }

    #[inline(always)]
    fn update<C: Contents + ?Sized, F: SharedValue, R>(
        cell: &Cell<C>,
        offset: usize,
        change: impl FnOnce(&mut F) -> R,
    ) -> Result<R, Error> {
        match cell.unencumbered() {
            Some(thread) => cell.update_briefly(thread, offset, |slot| words::load(slot, offset), change),
            None => update_in_hold(cell, offset, |hold| hold.read(offset), change),
        }
    }

    #[inline(always)]
    fn update_whole<T: SharedValue, R>(cell: &Cell<T>, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        let with_atomics = |copy| read::with_atomics(cell, copy);
        match cell.unencumbered() {
            Some(thread) => cell.update_briefly(thread, 0, |slot| with_atomics(words::load(slot, 0)), change),
            None => update_in_hold(cell, 0, read::whole_held, change),
        }
    }
}

/// The general case of `set`.
#[inline(never)]
fn set_in_hold<C: Contents + ?Sized, F: SharedValue>(cell: &Cell<C>, offset: usize, value: &F) -> Result<(), Error> {
    cell.locked(|hold| {
        hold.write_through(offset, value);
        Ok(())
    })
}

/// The general case of `update`: this thread holds other locks, or this one, or the lock is of another kind.
#[inline(never)]
fn update_in_hold<C: Contents + ?Sized, F: SharedValue, R>(
    cell: &Cell<C>,
    offset: usize,
    read: impl FnOnce(&Hold<'_, C>) -> Unchecked<F>,
    change: impl FnOnce(&mut F) -> R,
) -> Result<R, Error> {
    cell.locked(|hold| {
        let value = read(hold).check_in::<C>(offset)?;
        Ok(hold.update_through(offset, value, change)?)
    })
}

impl sealed::Write for Unlocked {
    #[inline(always)]
    fn set<C: Contents + ?Sized, F: SharedValue>(cell: &Cell<C>, offset: usize, value: &F) -> Result<(), Error> {
        cell.write_now(offset, value);
        Ok(())
    }

    #[inline(always)]
    fn update<C: Contents + ?Sized, F: SharedValue, R>(
        cell: &Cell<C>,
        offset: usize,
        change: impl FnOnce(&mut F) -> R,
    ) -> Result<R, Error> {
        let mut value = read::field_of_now(cell, offset).check_in::<C>(offset)?;
        let result = change(&mut value);
        cell.write_now(offset, &value);
        Ok(result)
    }

    #[inline(always)]
    fn update_whole<T: SharedValue, R>(cell: &Cell<T>, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        let mut value = read::with_atomics(cell, read::field_of_now(cell, 0)).check()?;
        let result = change(&mut value);
        cell.write_now(0, &value);
        Ok(result)
    }
}
