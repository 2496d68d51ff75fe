//! Live values as hosts of parts: reads copy what is there, writes are made in place under the lock.
#![expect(private_bounds, private_interfaces, reason = "the sealed trait can be neither named nor called from outside")]

use std::ops::Range;

use crate::accessors::host::sealed::{AtomicWords, ReadAt, Start, WriteAt};
use crate::accessors::host::{Host, Reader, Root, Writer};
use crate::accessors::part::Part;
use crate::cell::Cell;
use crate::copy::{self, AmongOthers, Unchecked};
use crate::error::Error;
use crate::format::OneSlot;
use crate::handle::access::Access;
use crate::hold::read::{self, CopyPieces};
use crate::hold::{Hold, check_place};
use crate::layout::SharedValue;
use crate::live::{Live, Plain};
use crate::lock::{self, Wait};
use crate::protocol::atomics::AtomicU64;

impl<C: Plain + ?Sized> Live<C> {
    /// Lets the closure write these bytes under the lock. It must not panic.
    #[inline]
    pub(super) fn write(&self, bytes: &Range<usize>, write: impl FnOnce(&[AtomicU64])) -> Result<(), Error> {
        check_place(&self.cell, bytes);
        if lock::holds(self.cell.lock()) {
            write(self.cell.slots().first());
            return Ok(());
        }
        let mut hold = Hold::acquire(&self.cell, Wait::Forever)?;
        write(self.cell.slots().first());
        Ok(hold.end()?)
    }

    /// Lets `change` change a copy of these bytes under the lock, which `copy` makes and `write` writes back, unless `change`
    /// fails.
    pub(super) fn change_copy<V, R>(
        &self,
        bytes: &Range<usize>,
        copy: impl FnOnce(&[AtomicU64]) -> Result<V, Error>,
        change: impl FnOnce(&mut V) -> Result<R, Error>,
        write: impl FnOnce(&[AtomicU64], &V),
    ) -> Result<R, Error> {
        check_place(&self.cell, bytes);
        let guard = if lock::holds(self.cell.lock()) { None } else { Some(self.lock()?) };
        let slot = self.cell.slots().first();
        let mut value = copy(slot)?;
        let result = change(&mut value)?;
        // In a child that `change` has forked, the thread holds nothing. And `change` may have released the lock.
        if !lock::holds(self.cell.lock()) {
            return Err(lock::Refusal::NotHeld.into());
        }
        write(slot, &value);
        guard.map_or(Ok(()), super::LiveGuard::release)?;
        Ok(result)
    }
}

impl<C: Plain + ?Sized, A: Access> Host for Live<C, A> {
    type Value = C;
    type Part<'p, F: 'static> = Part<'p, Self, F>;

    #[inline(always)]
    fn part<F: 'static>(&self, start: usize) -> Part<'_, Self, F> {
        Part::of(self, start)
    }
}

impl<C: Plain + ?Sized, A: Access> Reader for Live<C, A> {}
impl<C: Plain + ?Sized> Writer for Live<C> {}
impl<C: Plain + ?Sized, A: Access> Root for Live<C, A> {}

impl<C: Plain + ?Sized, A: Access> Start for Live<C, A> {
    #[inline(always)]
    fn start(&self) -> usize {
        0
    }

    #[inline(always)]
    fn size(&self) -> usize {
        self.cell.shape().size
    }
}

impl<C: Plain + ?Sized, A: Access> ReadAt for Live<C, A> {
    type Contents = OneSlot<C>;

    #[inline(always)]
    fn copy_at<F: SharedValue>(&self, start: usize) -> Unchecked<F> {
        copy::load(self.cell.slots().first(), start)
    }

    #[inline(always)]
    fn read_with<R>(&self, copy: impl FnMut(&[AtomicU64]) -> R) -> R {
        read::as_it_is(&self.cell, copy)
    }

    fn read_pieces(&self, bytes: Range<usize>, copy: &mut CopyPieces<'_>) {
        copy(self.cell.slots().first(), bytes);
    }
}

impl<C: Plain + ?Sized> WriteAt for Live<C> {
    type Merge = AmongOthers;

    fn change(&self, bytes: &Range<usize>, write: impl FnOnce(&[AtomicU64])) -> Result<(), Error> {
        self.write(bytes, write)
    }

    fn update_copy<V, R>(
        &self,
        bytes: &Range<usize>,
        copy: impl FnOnce(&[AtomicU64]) -> Result<V, Error>,
        change: impl FnOnce(&mut V) -> Result<R, Error>,
        write: impl FnOnce(&[AtomicU64], &V),
    ) -> Result<R, Error> {
        self.change_copy(bytes, copy, change, write)
    }

    /// # Errors
    /// `Unsupported`: there is no vector in one slot.
    fn update_held<V, R>(
        &self,
        _: impl FnOnce(&Hold<'_, OneSlot<C>>) -> Result<V, Error>,
        _: impl FnOnce(&Hold<'_, OneSlot<C>>, &mut V) -> Result<R, Error>,
        _: impl FnOnce(&Hold<'_, OneSlot<C>>, &V),
    ) -> Result<R, Error> {
        Err(Error::Unsupported { what: "the number of elements changes only in a value with versions" })
    }
}

impl<C: Plain + ?Sized, A: Access> AtomicWords for Live<C, A> {
    #[inline(always)]
    fn cell(&self) -> &Cell<OneSlot<C>> {
        &self.cell
    }
}
