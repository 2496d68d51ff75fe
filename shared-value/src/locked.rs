//! `Locked`: a cell whose lock this thread holds, and what may be done to it then.
#![allow(unsafe_code)]

use std::mem::ManuallyDrop;

use crate::cell::Cell;
use crate::error::Error;
use crate::layout::SharedValue;
use crate::lock::{self, Acquired, Refusal, Thread, Wait};
use crate::read;
use crate::words::{self, Unchecked};

/// One hold on the lock of a cell. When the last hold of the thread ends, what it wrote is committed.
///
/// In a child that is forked meanwhile, the copy of this belongs to nobody and does nothing.
pub(crate) struct Locked<'a, T: SharedValue> {
    cell: &'a Cell<T>,
    thread: Thread,
    /// The thread's token when it took the lock.
    token: u64,
    acquired: Acquired,
}

/// Marks a value as borrowed until it is dropped.
struct Borrow<'l, 'a, T: SharedValue> {
    locked: &'l Locked<'a, T>,
}

impl<'a, T: SharedValue> Locked<'a, T> {
    #[inline(always)]
    pub(crate) fn acquire(cell: &'a Cell<T>, wait: Wait) -> Result<Self, Refusal> {
        let thread = Thread::current()?;
        // SAFETY: `thread` is the calling one. `cell` keeps the lock mapped while it lives; if the hold outlives it,
        // because it was leaked, `Segment::drop` sees that the lock is held and keeps the mapping.
        let acquired = unsafe { lock::acquire(thread, cell.lock(), wait) }?;
        if acquired == Acquired::TakenOver {
            cell.slots().rollback();
        }
        Ok(Self { cell, thread, token: thread.token(), acquired })
    }

    #[inline(always)]
    pub(crate) fn cell(&self) -> &'a Cell<T> {
        self.cell
    }

    /// Whether the lock came from an owner that died with it.
    pub(crate) fn recovered(&self) -> bool {
        self.acquired == Acquired::TakenOver
    }

    /// Whether the thread that took the lock is the one that runs: not so in a forked child.
    #[inline(always)]
    pub(crate) fn is_held(&self) -> bool {
        self.thread.token() == self.token
    }

    /// Fails while an `update` of this thread has the value borrowed.
    #[inline(always)]
    pub(crate) fn check_unborrowed(&self) -> Result<(), Error> {
        // Whoever takes the lock first finds nothing borrowed.
        if self.acquired == Acquired::Again && lock::is_borrowed(self.thread, self.cell.lock()) {
            return Err(Error::Borrowed);
        }
        Ok(())
    }

    /// The same for holds that may have become the first after all others were released.
    pub(crate) fn is_borrowed(&self) -> bool {
        lock::is_borrowed(self.thread, self.cell.lock())
    }

    /// Copies the `F` at an offset, with this thread's own writes.
    #[inline(always)]
    pub(crate) fn read<F: SharedValue>(&self, offset: usize) -> Unchecked<F> {
        words::load(self.cell.slots().current(), offset)
    }

    /// Writes an `F` at an offset, to be committed.
    #[inline(always)]
    pub(crate) fn write<F: SharedValue>(&self, offset: usize, value: &F) {
        let slots = self.cell.slots();
        // A value that fills its slot needs no copy of what was there.
        let slot = if const { size_of::<F>() == size_of::<T>() } { slots.overwrite() } else { slots.change() };
        words::store(slot, offset, value);
    }

    /// Lets the closure change a copy of the `F` at an offset, and writes it back. If the closure panics, nothing was
    /// changed. Until it returns, all other writes of this thread to the same value fail.
    #[inline(always)]
    pub(crate) fn update<F: SharedValue, R>(
        &self,
        offset: usize,
        change: impl FnOnce(&mut F) -> R,
    ) -> Result<R, Error> {
        self.update_copy(offset, self.read(offset), change)
    }

    /// The same for the whole value. Changes of atomic fields are not written back.
    #[inline(always)]
    pub(crate) fn update_whole<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        self.update_copy(0, read::with_atomics(self.cell, self.read(0)), change)
    }

    #[inline(always)]
    fn update_copy<F: SharedValue, R>(
        &self,
        offset: usize,
        copy: Unchecked<F>,
        change: impl FnOnce(&mut F) -> R,
    ) -> Result<R, Error> {
        let mut value = copy.check()?;
        lock::set_borrowed(self.thread, self.cell.lock(), true);
        let borrow = Borrow { locked: self };
        let result = change(&mut value);
        drop(borrow);
        // Not if the closure forked and this is the child.
        if self.is_held() {
            self.write(offset, &value);
        }
        Ok(result)
    }

    #[inline(always)]
    pub(crate) fn commit(&self) {
        self.cell.slots().commit();
    }

    #[inline(always)]
    pub(crate) fn rollback(&self) {
        self.cell.slots().rollback();
    }

    /// Ends the hold.
    #[inline(always)]
    pub(crate) fn release(self) -> Result<(), Refusal> {
        ManuallyDrop::new(self).end()
    }

    #[inline(always)]
    fn end(&mut self) -> Result<(), Refusal> {
        if !self.is_held() {
            return Ok(());
        }
        let cell = self.cell;
        // SAFETY: `acquire` took the lock for this thread, which still is the same, and this is called once.
        unsafe { lock::release(self.thread, cell.lock(), || cell.slots().commit()) }
    }
}

impl<T: SharedValue> Drop for Locked<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        // A lock that another process overwrote is reported to those who can be told.
        let _ = self.end();
    }
}

impl<T: SharedValue> Drop for Borrow<'_, '_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.locked.is_held() {
            lock::set_borrowed(self.locked.thread, self.locked.cell.lock(), false);
        }
    }
}
