//! Handles with a limit as hosts of parts.
#![expect(private_bounds, private_interfaces, reason = "the sealed trait can be neither named nor called from outside")]

use std::ops::Range;

use crate::accessors::host::sealed::{AtomicWords, ReadAt, Start, WriteAt};
use crate::accessors::host::{Host, Reader, Root, Writer};
use crate::accessors::part::Part;
use crate::cell::Cell;
use crate::copy::Unchecked;
use crate::error::Error;
use crate::handle::access::Writable;
use crate::handle::shared::Shared;
use crate::handle::wait::within::Within;
use crate::hold::Hold;
use crate::hold::read::CopyPieces;
use crate::layout::SharedValue;
use crate::protocol::atomics::AtomicU64;

impl<C: Shared + ?Sized, A: Writable> Host for Within<'_, C, A> {
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

impl<C: Shared + ?Sized, A: Writable> Reader for Within<'_, C, A> {}
impl<C: Shared + ?Sized, A: Writable> Writer for Within<'_, C, A> {}
impl<C: Shared + ?Sized, A: Writable> Root for Within<'_, C, A> {}

impl<C: Shared + ?Sized, A: Writable> Start for Within<'_, C, A> {
    #[inline(always)]
    fn start(&self) -> usize {
        0
    }

    #[inline(always)]
    fn size(&self) -> usize {
        self.value.size()
    }
}

impl<C: Shared + ?Sized, A: Writable> ReadAt for Within<'_, C, A> {
    type Contents = C;

    #[inline(always)]
    fn copy_at<F: SharedValue>(&self, start: usize) -> Unchecked<F> {
        self.value.copy_at(start)
    }

    #[inline(always)]
    fn read_with<R>(&self, copy: impl FnMut(&[AtomicU64]) -> R) -> R {
        self.value.read_with(copy)
    }

    fn read_pieces(&self, bytes: Range<usize>, copy: &mut CopyPieces<'_>) {
        self.value.read_pieces(bytes, copy);
    }
}

impl<C: Shared + ?Sized, A: Writable> WriteAt for Within<'_, C, A> {
    type Merge = A::Merge;

    #[inline(always)]
    fn change(&self, bytes: &Range<usize>, write: impl FnOnce(&[AtomicU64])) -> Result<(), Error> {
        A::change(&self.value.cell, self.patience, bytes, write)
    }

    #[inline(always)]
    fn update_at<F: SharedValue, R>(&self, start: usize, change: impl FnOnce(&mut F) -> R) -> Result<R, Error> {
        A::update(&self.value.cell, self.patience, start, change)
    }

    #[inline(always)]
    fn update_copy<V, R>(
        &self,
        bytes: &Range<usize>,
        copy: impl FnOnce(&[AtomicU64]) -> Result<V, Error>,
        change: impl FnOnce(&mut V) -> Result<R, Error>,
        write: impl FnOnce(&[AtomicU64], &V),
    ) -> Result<R, Error> {
        A::update_copy(&self.value.cell, self.patience, bytes, copy, change, write)
    }

    fn update_held<V, R>(
        &self,
        read: impl FnOnce(&Hold<'_, C>) -> Result<V, Error>,
        change: impl FnOnce(&Hold<'_, C>, &mut V) -> Result<R, Error>,
        write: impl FnOnce(&Hold<'_, C>, &V),
    ) -> Result<R, Error> {
        A::update_held(&self.value.cell, self.patience, read, change, write)
    }
}

impl<C: Shared + ?Sized, A: Writable> AtomicWords for Within<'_, C, A> {
    #[inline(always)]
    fn cell(&self) -> &Cell<C> {
        &self.value.cell
    }
}
