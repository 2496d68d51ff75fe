//! `Hold`: a cell whose lock this thread holds, with the operations that need the lock.
#![allow(unsafe_code)]

pub(crate) mod backoff;
mod brief;
mod brief_lock;
pub(crate) mod detached;
mod growing;
mod joined;
mod locking;
pub(crate) mod moment;
pub(crate) mod patience;
pub(crate) mod read;
pub(crate) mod retry;
pub(crate) mod scoped;

use std::ops::Range;

use crate::cell::Cell;
use crate::cell::drafts;
use crate::copy::{self, Unchecked};
use crate::error::Error;
use crate::format::contents::Contents;
use crate::hold::brief_lock::AnyLock;
use crate::layout::SharedValue;
use crate::lock::wakeup;
use crate::lock::{self, Acquired, Mark, Refusal, Thread, Wait};
use crate::protocol::atomics::AtomicU64;
use crate::protocol::fault;

/// One hold on the lock of a cell. When a thread ends its last hold, its writes are committed.
///
/// A hold ends by `end`, not by its drop: a destructor would force it into memory on the fastest paths. A hold that is never
/// ended keeps the lock until the thread ends, as a leaked guard does.
///
/// In a child that is forked during the hold, the copy of the hold holds nothing, and ending it does nothing.
#[must_use = "the lock stays held until this is told to end"]
pub(crate) struct Hold<'a, C: Contents + ?Sized> {
    cell: &'a Cell<C>,
    thread: Thread,
    /// The thread's token when it took the lock.
    token: u64,
    /// `None` once it has ended.
    acquired: Option<Acquired>,
}

impl<'a, C: Contents + ?Sized> Hold<'a, C> {
    #[inline(always)]
    pub(crate) fn acquire(cell: &'a Cell<C>, wait: Wait) -> Result<Self, Refusal> {
        let thread = Thread::current()?;
        let acquired =
            if cell.has_own_lock() { cell.take(thread, wait) } else { Self::acquire_other(cell, thread, wait) }?;
        Ok(Self { cell, thread, token: thread.token(), acquired: Some(acquired) })
    }

    /// Takes the mutex or the lock object that guards the cell, or its own lock if a thread may not take that again.
    #[cold]
    #[inline(never)]
    fn acquire_other(cell: &'a Cell<C>, thread: Thread, wait: Wait) -> Result<Acquired, Refusal> {
        let Some(mutex) = cell.mutex() else { return Self::acquire_shared(cell, thread, wait) };
        // SAFETY: a `Thread` is always the calling thread. The mutex belongs to the cell, which keeps it and the line mapped;
        // if a hold is leaked, `Segment::drop` keeps the mapping.
        let acquired = unsafe { lock::pthread::acquire(thread, cell.lock(), mutex, wait) }?;
        cell.recover_from(acquired);
        if acquired == Acquired::Again && !cell.is_recursive() {
            // SAFETY: `acquire` took the mutex once more for this thread, and this is the only release of that hold. It is
            // not the last hold, so nothing is to be committed.
            unsafe { lock::pthread::release(thread, cell.lock(), mutex, |_| {}) }?;
            return Err(Refusal::AlreadyHeld);
        }
        Ok(acquired)
    }

    /// Takes the native lock for `acquire_other`.
    #[inline]
    fn acquire_shared(cell: &'a Cell<C>, thread: Thread, wait: Wait) -> Result<Acquired, Refusal> {
        // SAFETY: a `Thread` is always the calling thread. The cell keeps the lock mapped; if a hold is leaked,
        // `Segment::drop` keeps the mapping.
        let acquired = unsafe { lock::acquire(thread, cell.lock(), wait) }?;
        match acquired {
            // Values that share a lock drop a dead owner's draft when they are next touched.
            Acquired::TakenOver if !cell.is_lock_shared() => cell.recover_from(acquired),
            Acquired::Again if !cell.is_recursive() => {
                // SAFETY: `acquire` took the lock once more for this thread, and this is the only release of that hold. It
                // is not the last hold, so nothing is to be committed.
                unsafe { lock::release(thread, cell.lock(), |_| {}) }?;
                return Err(Refusal::AlreadyHeld);
            }
            Acquired::First | Acquired::TakenOver | Acquired::Again => {}
        }
        Ok(acquired)
    }

    /// Returns a hold of the calling thread, to be ended. The code that took it must not end it too.
    ///
    /// # Errors
    /// `NotHeld` if the calling thread does not hold the lock.
    #[inline(always)]
    pub(crate) fn last_of_thread(cell: &'a Cell<C>) -> Result<Self, Refusal> {
        let thread = Thread::known().filter(|_| lock::holds(cell.lock())).ok_or(Refusal::NotHeld)?;
        Ok(Self { cell, thread, token: thread.token(), acquired: Some(Acquired::Again) })
    }

    #[inline(always)]
    pub(crate) fn cell(&self) -> &'a Cell<C> {
        self.cell
    }

    /// Returns the token of the thread that took the lock.
    pub(crate) fn token(&self) -> u64 {
        self.token
    }

    /// Returns whether the lock was taken over from an owner that died while it held the lock.
    pub(crate) fn recovered(&self) -> bool {
        self.acquired == Some(Acquired::TakenOver)
    }

    /// Returns whether this is the only hold of its thread on the lock.
    pub(crate) fn is_only(&self) -> bool {
        lock::is_last_hold(self.thread, self.cell.lock())
    }

    /// Makes the lock one that no thread takes again. The hold must be the only one, and end after this.
    pub(crate) fn retire(&self) {
        lock::retire(self.thread, self.cell.lock());
    }

    /// Returns whether the running thread took the lock: false in a forked child.
    #[inline(always)]
    pub(crate) fn is_held(&self) -> bool {
        self.thread.token() == self.token
    }

    /// Returns whether a write or a commit needs no further check: the running thread holds the value's own native lock,
    /// once, and for no other purpose.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        // A guard may outlive its thread's record, which then belongs to another thread. And in a forked child, the record's
        // note of the lock belongs to another hold.
        self.is_held() && self.cell.has_own_lock() && lock::is_plain(self.thread, self.cell.lock())
    }

    /// Checks that the thread, which took the lock, may write to the value now.
    ///
    /// # Errors
    /// `Borrowed` inside of an `update` of the same value, `Unwound` after a panic in an inner guard.
    #[inline(always)]
    pub(crate) fn check_writable(&self) -> Result<(), Refusal> {
        match lock::mark(self.thread, self.cell.lock()) {
            Mark::None if self.cell.is_lock_shared() && self.cell.drafted(self.token).is_borrowed() => {
                Err(Refusal::Borrowed)
            }
            Mark::None => Ok(()),
            Mark::Borrowed => Err(Refusal::Borrowed),
            Mark::Unwound => Err(Refusal::Unwound),
        }
    }

    /// Returns whether a transaction holds the lock too, and commits the writes of this hold.
    #[inline(always)]
    pub(crate) fn is_joined(&self) -> bool {
        lock::is_joined(self.thread, self.cell.lock())
    }

    /// Returns whether an `update` of this thread has borrowed this value, or another one under the same lock.
    #[inline(always)]
    pub(crate) fn is_any_borrowed(&self) -> bool {
        self.cell.is_lock_shared() && drafts::is_any_borrowed(self.cell.lock(), self.token)
    }

    /// Returns the slot with this thread's own writes.
    #[inline(always)]
    pub(crate) fn current(&self) -> &'a [AtomicU64] {
        self.cell.current(self.token)
    }

    /// Copies the `F` at an offset, with this thread's own writes.
    #[inline(always)]
    pub(crate) fn read<F: SharedValue>(&self, offset: usize) -> Unchecked<F> {
        copy::load(self.current(), offset)
    }

    /// Writes an `F` at an offset, to be committed.
    #[inline(always)]
    pub(crate) fn write<F: SharedValue>(&self, offset: usize, value: &F) {
        self.change(&copy::range::<F>(offset), |slot| copy::store(slot, offset, value));
    }

    /// Lets the closure write these bytes, to be committed.
    ///
    /// # Panics
    /// If the bytes do not lie in a slot. In that case nothing was written: half a change must not be committed.
    #[inline(always)]
    pub(crate) fn change(&self, bytes: &Range<usize>, write: impl FnOnce(&[AtomicU64])) {
        check_place(self.cell, bytes);
        if self.cell.is_lock_shared() {
            self.cell.note_draft(self.token);
        }
        write(self.cell.slots().change(bytes));
    }

    /// Lets the closure write these bytes, and commits at once if this is the thread's first hold.
    ///
    /// # Panics
    /// If the bytes do not lie in a slot. Then nothing was written.
    #[inline(always)]
    pub(crate) fn change_through(&self, bytes: &Range<usize>, write: impl FnOnce(&[AtomicU64])) {
        if self.acquired == Some(Acquired::Again) {
            return self.change(bytes, write);
        }
        check_place(self.cell, bytes);
        self.cell.slots().publish(bytes, write);
    }

    /// Lets `copy` copy these bytes, `change` change the copy, and `write` write it back, to be committed. Until `change`
    /// returns, all other writes of this thread to the value fail. If `copy` or `change` fails or panics, nothing changes.
    ///
    /// # Errors
    /// - Those of `copy` and `change`.
    /// - `Unwound` if `change` has caught a panic that passed through an inner guard of another value under the same lock.
    /// - `NotHeld` if `change` has succeeded in a child that it forked: nothing was written there.
    #[inline(always)]
    pub(crate) fn update<V, R, E: From<Error>>(
        &self,
        bytes: &Range<usize>,
        copy: impl FnOnce(&Self) -> Result<V, Error>,
        change: impl FnOnce(&mut V) -> Result<R, E>,
        write: impl FnOnce(&[AtomicU64], &V),
    ) -> Result<R, E> {
        self.borrow(copy, change, |copy| self.change(bytes, |slot| write(slot, copy)))
    }

    /// Updates as `update` does, for a hold that the caller ends right after this call: if this is the thread's first hold,
    /// the change is committed at once, and if `change` panics, the hold ends.
    #[inline(always)]
    pub(crate) fn update_through<V, R, E: From<Error>>(
        &mut self,
        bytes: &Range<usize>,
        copy: impl FnOnce(&Self) -> Result<V, Error>,
        change: impl FnOnce(&mut V) -> Result<R, E>,
        write: impl FnOnce(&[AtomicU64], &V),
    ) -> Result<R, E> {
        self.ending(|hold| {
            let write = |copy: &V| hold.change_through(bytes, |slot| write(slot, copy));
            hold.borrow(copy, change, write)
        })
    }

    /// Lets `copy` make a copy, `change` change it, and `write` write it into the draft, to be committed. Until `change` returns,
    /// all other writes of this thread to the value fail.
    ///
    /// # Errors
    /// Those of `update`.
    pub(crate) fn edit<V, R>(
        &self,
        copy: impl FnOnce(&Self) -> Result<V, Error>,
        change: impl FnOnce(&Self, &mut V) -> Result<R, Error>,
        write: impl FnOnce(&Self, &V),
    ) -> Result<R, Error> {
        self.borrow(copy, |copy| change(self, copy), |copy| write(self, copy))
    }

    /// Edits as `edit` does, for a hold that the caller ends right after this call: if `change` panics, the hold ends.
    pub(crate) fn edit_through<V, R>(
        &mut self,
        copy: impl FnOnce(&Self) -> Result<V, Error>,
        change: impl FnOnce(&Self, &mut V) -> Result<R, Error>,
        write: impl FnOnce(&Self, &V),
    ) -> Result<R, Error> {
        self.ending(|hold| hold.edit(copy, change, write))
    }

    /// Runs `work`. If it panics, the hold ends.
    #[inline(always)]
    fn ending<R>(&mut self, work: impl FnOnce(&Self) -> R) -> R {
        let ending = Ending { hold: self };
        let result = work(ending.hold);
        std::mem::forget(ending);
        result
    }

    /// Makes a copy and lets `change` change it, while other writes to the value are forbidden, then writes the copy back.
    ///
    /// The value is borrowed before it is copied: `copy` may call the allocator, and if that writes the value, it learns that the
    /// value is borrowed. A write between the copy and the borrow would be overwritten.
    #[inline(always)]
    fn borrow<V, R, E: From<Error>>(
        &self,
        copy: impl FnOnce(&Self) -> Result<V, Error>,
        change: impl FnOnce(&mut V) -> Result<R, E>,
        write: impl FnOnce(&V),
    ) -> Result<R, E> {
        self.set_borrowed(true);
        let borrow = Borrow { hold: self };
        // If the copy fails, `borrow` ends here.
        let mut value = copy(self)?;
        let result = change(&mut value);
        std::mem::forget(borrow);
        // If `change` forked, this may be the child, which holds nothing, and must not write.
        if !self.is_held() {
            return result.and(Err(Error::from(Refusal::NotHeld).into()));
        }
        self.set_borrowed(false);
        // `change` may have written other values under the same lock, and a panic may have unwound their guards.
        if self.cell.is_lock_shared() && lock::mark(self.thread, self.cell.lock()) == Mark::Unwound {
            return Err(Error::from(Refusal::Unwound).into());
        }
        let result = result?;
        write(&value);
        Ok(result)
    }

    /// Forbids or allows other writes of this thread to the value.
    #[inline(always)]
    fn set_borrowed(&self, is_borrowed: bool) {
        if self.cell.is_lock_shared() {
            return self.cell.set_draft_borrowed(self.token, is_borrowed);
        }
        self.set_mark(if is_borrowed { Mark::Borrowed } else { Mark::None });
    }

    #[inline(always)]
    fn set_mark(&self, mark: Mark) {
        lock::set_mark(self.thread, self.cell.lock(), mark);
    }

    /// Commits the drafts of all values that the lock guards.
    #[inline(always)]
    pub(crate) fn commit(&self) {
        commit_all(self.cell, self.token);
        wakeup::raise(self.cell.event());
    }

    /// Rolls back the drafts of all values that the lock guards.
    pub(crate) fn rollback(&self) {
        rollback_all(self.cell, self.token);
        self.set_mark(Mark::None);
    }

    /// Makes sure that the present drafts are never committed, because a panic interrupted them.
    ///
    /// Outer holds of the thread may go on after the panic was caught. Their writes are mixed with the unfinished ones, so
    /// they have to roll back before they write again.
    #[cold]
    pub(crate) fn unwind(&self) {
        if lock::is_last_hold(self.thread, self.cell.lock()) {
            self.rollback();
        } else if lock::mark(self.thread, self.cell.lock()) == Mark::None {
            self.set_mark(Mark::Unwound);
        }
    }

    /// Makes sure that the present drafts are committed only by an earlier or later `commit`, if there are any: the hold began
    /// while a panic was under way, and another panic, which looks the same, may have interrupted the writes.
    #[cold]
    pub(crate) fn unwind_drafts(&self) {
        // A transaction commits only if its closure returns `Ok`, which is as explicit as a `commit`.
        if self.is_joined() {
            return;
        }
        let is_writing = if self.cell.is_lock_shared() {
            drafts::is_any_writing(self.cell.lock(), self.token)
        } else {
            self.cell.versions().is_writing()
        };
        if is_writing {
            self.unwind();
        }
    }

    /// Ends the hold. Ending it again does nothing.
    #[inline(always)]
    pub(crate) fn end(&mut self) -> Result<(), Refusal> {
        if self.acquired.take().is_none() || !self.is_held() {
            return Ok(());
        }
        let cell = self.cell;
        if !cell.has_own_lock() {
            return Self::end_other(cell, self.thread);
        }
        // SAFETY: `acquire` took the lock for this thread, which `is_held` found to be running, and `take` makes this the
        // only release of the hold.
        let released = unsafe {
            lock::release(self.thread, cell.lock(), |mark| match mark {
                _ if fault::is_chosen("commit_late") => {}
                Mark::None | Mark::Borrowed => cell.slots().commit(),
                Mark::Unwound => cell.slots().rollback(),
            })
        };
        if fault::is_chosen("commit_late") {
            cell.slots().commit();
        }
        cell.raise_for(released)
    }

    /// Releases the mutex or the lock object that guards the cell, or the lock that `acquire_other` has taken.
    #[cold]
    #[inline(never)]
    fn end_other(cell: &Cell<C>, thread: Thread) -> Result<(), Refusal> {
        let settle = |mark| match mark {
            Mark::None | Mark::Borrowed => cell.slots().commit(),
            Mark::Unwound => cell.slots().rollback(),
        };
        let released = match AnyLock::of(cell) {
            // SAFETY: `end` calls this once for the hold, and `acquire_other` took this lock for this thread.
            AnyLock::Own => unsafe { lock::release(thread, cell.lock(), settle) },
            // SAFETY: `end` calls this once for the hold, and `acquire_other` took this lock for this thread.
            AnyLock::Object => unsafe { brief_lock::release_with_drafts(cell.lock(), thread) },
            // SAFETY: `end` calls this once for the hold, and `acquire_other` took this mutex for this thread.
            AnyLock::Mutex(mutex) => unsafe { lock::pthread::release(thread, cell.lock(), mutex, settle) },
        };
        cell.raise_for(released)
    }
}

#[inline(always)]
fn commit_all<C: Contents + ?Sized>(cell: &Cell<C>, token: u64) {
    if cell.is_lock_shared() { drafts::commit(cell.lock(), token) } else { cell.slots().commit() }
}

#[inline(always)]
fn rollback_all<C: Contents + ?Sized>(cell: &Cell<C>, token: u64) {
    if cell.is_lock_shared() { drafts::rollback(cell.lock(), token) } else { cell.slots().rollback() }
}

/// Checks the place of a write before the slot is touched: a later panic would leave half a change to be committed.
///
/// # Panics
/// If the bytes do not lie in the value.
#[inline(always)]
pub(crate) fn check_place<C: Contents + ?Sized>(cell: &Cell<C>, bytes: &Range<usize>) {
    assert!(bytes.start <= bytes.end && bytes.end <= cell.shape().size, "a write must lie in its value");
}

/// Undoes the borrow of a value when it cannot be copied, or a closure panics.
struct Borrow<'h, 'a, C: Contents + ?Sized> {
    hold: &'h Hold<'a, C>,
}

impl<C: Contents + ?Sized> Drop for Borrow<'_, '_, C> {
    #[cold]
    fn drop(&mut self) {
        if self.hold.is_held() {
            self.hold.set_borrowed(false);
        }
    }
}

/// Ends a hold that no guard owns when a closure panics.
struct Ending<'h, 'a, C: Contents + ?Sized> {
    hold: &'h mut Hold<'a, C>,
}

impl<C: Contents + ?Sized> Drop for Ending<'_, '_, C> {
    #[cold]
    fn drop(&mut self) {
        // Writes of the closure to other values under the lock are rolled back too.
        if self.hold.cell.is_lock_shared() && self.hold.is_held() {
            self.hold.unwind();
        }
        // The panic continues, so an overwritten lock cannot be reported.
        let _ = self.hold.end();
    }
}
