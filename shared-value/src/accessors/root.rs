//! Handles and guards as hosts of parts.
#![expect(private_bounds, private_interfaces, reason = "the sealed trait can be neither named nor called from outside")]

use std::ops::Range;

use crate::accessors::host::sealed::{AtomicWords, ReadAt, Start, WriteAt};
use crate::accessors::host::{Host, Reader, Root, Writer};
use crate::accessors::part::Part;
use crate::cell::Cell;
use crate::copy::{Alone, Unchecked};
use crate::error::Error;
use crate::handle::access::{Access, Writable};
use crate::handle::guard::Guard;
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::hold::Hold;
use crate::hold::patience::Unlimited;
use crate::hold::read::CopyPieces;
use crate::layout::SharedValue;
use crate::protocol::atomics::AtomicU64;

impl<C: Shared + ?Sized, A: Access> Host for Synchronized<C, A> {
    type Value = C;
    type Part<'p, F: 'static> = Part<'p, Self, F>;

    #[inline(always)]
    fn part<F: 'static>(&self, start: usize) -> Part<'_, Self, F> {
        Part::of(self, start)
    }
}

impl<C: Shared + ?Sized, A: Access> Reader for Synchronized<C, A> {}
impl<C: Shared + ?Sized, A: Writable> Writer for Synchronized<C, A> {}
impl<C: Shared + ?Sized, A: Access> Root for Synchronized<C, A> {}

impl<C: Shared + ?Sized, A: Access> Start for Synchronized<C, A> {
    #[inline(always)]
    fn start(&self) -> usize {
        0
    }

    #[inline(always)]
    fn size(&self) -> usize {
        self.cell.shape().size
    }
}

impl<C: Shared + ?Sized, A: Access> ReadAt for Synchronized<C, A> {
    type Contents = C;

    #[inline(always)]
    fn copy_at<F: SharedValue>(&self, start: usize) -> Unchecked<F> {
        A::field(&self.cell, start)
    }

    #[inline(always)]
    fn read_with<R>(&self, copy: impl FnMut(&[AtomicU64]) -> R) -> R {
        A::read(&self.cell, copy)
    }

    fn read_pieces(&self, bytes: Range<usize>, copy: &mut CopyPieces<'_>) {
        A::read_pieces(&self.cell, bytes, copy);
    }
}

impl<C: Shared + ?Sized, A: Writable> WriteAt for Synchronized<C, A> {
    type Merge = A::Merge;

    #[inline(always)]
    fn change(&self, bytes: &Range<usize>, write: impl FnOnce(&[AtomicU64])) -> Result<(), Error> {
        A::change(&self.cell, Unlimited, bytes, write)
    }

    #[inline(always)]
    fn update_at<F: SharedValue, R>(&self, start: usize, change: impl FnOnce(&mut F) -> R) -> Result<R, Error> {
        A::update(&self.cell, Unlimited, start, change)
    }

    #[inline(always)]
    fn update_copy<V, R>(
        &self,
        bytes: &Range<usize>,
        copy: impl FnOnce(&[AtomicU64]) -> Result<V, Error>,
        change: impl FnOnce(&mut V) -> Result<R, Error>,
        write: impl FnOnce(&[AtomicU64], &V),
    ) -> Result<R, Error> {
        A::update_copy(&self.cell, Unlimited, bytes, copy, change, write)
    }

    fn update_held<V, R>(
        &self,
        read: impl FnOnce(&Hold<'_, C>) -> Result<V, Error>,
        change: impl FnOnce(&Hold<'_, C>, &mut V) -> Result<R, Error>,
        write: impl FnOnce(&Hold<'_, C>, &V),
    ) -> Result<R, Error> {
        A::update_held(&self.cell, Unlimited, read, change, write)
    }
}

impl<C: Shared + ?Sized, A: Access> AtomicWords for Synchronized<C, A> {
    #[inline(always)]
    fn cell(&self) -> &Cell<C> {
        &self.cell
    }
}

impl<C: Shared + ?Sized> Host for Guard<'_, C> {
    type Value = C;
    type Part<'p, F: 'static>
        = Part<'p, Self, F>
    where
        Self: 'p;

    #[inline(always)]
    fn part<F: 'static>(&self, start: usize) -> Part<'_, Self, F> {
        Part::of(self, start)
    }
}

impl<C: Shared + ?Sized> Reader for Guard<'_, C> {}
impl<C: Shared + ?Sized> Writer for Guard<'_, C> {}
impl<C: Shared + ?Sized> Root for Guard<'_, C> {}

impl<C: Shared + ?Sized> Start for Guard<'_, C> {
    #[inline(always)]
    fn start(&self) -> usize {
        0
    }

    #[inline(always)]
    fn size(&self) -> usize {
        self.hold.cell().shape().size
    }
}

impl<C: Shared + ?Sized> ReadAt for Guard<'_, C> {
    type Contents = C;

    #[inline(always)]
    fn copy_at<F: SharedValue>(&self, start: usize) -> Unchecked<F> {
        self.field(start)
    }

    #[inline(always)]
    fn read_with<R>(&self, copy: impl FnMut(&[AtomicU64]) -> R) -> R {
        self.hold.read_with(copy)
    }

    fn read_pieces(&self, bytes: Range<usize>, copy: &mut CopyPieces<'_>) {
        self.hold.read_pieces(bytes, copy);
    }
}

impl<C: Shared + ?Sized> WriteAt for Guard<'_, C> {
    type Merge = Alone;

    #[inline(always)]
    fn change(&self, bytes: &Range<usize>, write: impl FnOnce(&[AtomicU64])) -> Result<(), Error> {
        self.writable()?.change(bytes, write);
        Ok(())
    }

    #[inline(always)]
    fn update_copy<V, R>(
        &self,
        bytes: &Range<usize>,
        copy: impl FnOnce(&[AtomicU64]) -> Result<V, Error>,
        change: impl FnOnce(&mut V) -> Result<R, Error>,
        write: impl FnOnce(&[AtomicU64], &V),
    ) -> Result<R, Error> {
        self.writable()?.update(bytes, |hold| copy(hold.current()), change, write)
    }

    fn update_held<V, R>(
        &self,
        read: impl FnOnce(&Hold<'_, C>) -> Result<V, Error>,
        change: impl FnOnce(&Hold<'_, C>, &mut V) -> Result<R, Error>,
        write: impl FnOnce(&Hold<'_, C>, &V),
    ) -> Result<R, Error> {
        self.writable()?.edit(read, change, write)
    }
}

impl<C: Shared + ?Sized> AtomicWords for Guard<'_, C> {
    #[inline(always)]
    fn cell(&self) -> &Cell<C> {
        self.hold.cell()
    }
}
