//! `ScopedHold`: a hold that ends with its scope. Guards are built on it.

use std::ops::{Deref, Range};
use std::thread;

use crate::cell::Cell;
use crate::copy::{self, Unchecked};
use crate::error::Error;
use crate::format::contents::Contents;
use crate::hold::Hold;
use crate::hold::read::{self, CopyPieces};
use crate::layout::SharedValue;
use crate::lock::{Refusal, Wait};
use crate::protocol::atomics::AtomicU64;

/// A hold that ends when it is dropped. If a panic drops it, nothing is committed.
///
/// A destructor that runs because of a panic may take the lock too. If it is interrupted by a second panic, the standard
/// library tells no more than before: that a panic is under way. So a write there is committed only by `commit`.
pub(crate) struct ScopedHold<'a, C: Contents + ?Sized> {
    hold: Hold<'a, C>,
    /// Whether a panic was under way when the lock was taken. If so, that panic need not be the reason for the drop.
    panicking: bool,
}

impl<'a, C: Contents + ?Sized> ScopedHold<'a, C> {
    #[inline(always)]
    pub(crate) fn acquire(cell: &'a Cell<C>, wait: Wait) -> Result<Self, Refusal> {
        let panicking = thread::panicking();
        Ok(Self { hold: Hold::acquire(cell, wait)?, panicking })
    }

    /// Returns the hold, if this thread may write to the value now.
    ///
    /// # Errors
    /// `Borrowed` inside of an `update` of the value by this thread, `Unwound` after a panic has passed through an inner
    /// guard, `NotHeld` in a child that was forked after the lock was taken.
    #[inline(always)]
    pub(crate) fn writable(&self) -> Result<&Hold<'a, C>, Error> {
        if !self.hold.is_plain() {
            self.check()?;
        }
        Ok(&self.hold)
    }

    /// Commits the thread's writes, unless this is a forked child.
    ///
    /// # Panics
    /// If `writable` fails, in a transaction, and inside of an `update` of another value under the same lock.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn commit(&self) {
        if self.hold.is_plain() {
            self.hold.commit();
        } else if self.hold.is_held() {
            self.check_whole();
            self.expect_writable();
            self.hold.commit();
        }
    }

    /// Rolls back the thread's writes, unless this is a forked child.
    ///
    /// # Panics
    /// In a transaction, and inside of an `update` of a value under the lock.
    #[track_caller]
    pub(crate) fn rollback(&self) {
        if !self.hold.is_held() {
            return;
        }
        self.check_whole();
        match self.check() {
            Ok(()) | Err(Error::Unwound) => self.hold.rollback(),
            Err(error) => panic!("{error}"),
        }
    }

    /// Runs `work` while other writes of this thread to the value fail. If it panics, they may go on.
    ///
    /// # Errors
    /// Those of `work`, and `NotHeld` if it has succeeded in a child that it forked.
    pub(crate) fn barring<R, E: From<Error>>(&self, work: impl FnOnce() -> Result<R, E>) -> Result<R, E> {
        self.hold.borrow(|_| Ok(()), |()| work(), |()| ())
    }

    /// Ends the hold, the only one of its thread, and makes the lock one that no thread takes again. Wakes all threads that wait
    /// for the lock or for a change.
    pub(crate) fn retire(mut self) {
        if self.hold.is_held() {
            self.hold.retire();
        }
        // The lock is not this thread's any more, so the release fails. It also raises the event.
        let _ = self.hold.end();
    }

    /// Lets the closure copy from the value with this thread's own writes, or in a forked child from the committed value.
    #[inline(always)]
    pub(crate) fn read_with<R>(&self, mut copy: impl FnMut(&[AtomicU64]) -> R) -> R {
        if self.hold.is_held() { copy(self.hold.current()) } else { read::whole_version(self.hold.cell(), copy) }
    }

    /// Lets the closure copy these bytes as `read_with` does, but a large copy ends as soon as a commit overtakes it.
    pub(crate) fn read_pieces(&self, bytes: Range<usize>, copy: &mut CopyPieces<'_>) {
        if self.hold.is_held() {
            copy(self.hold.current(), bytes);
        } else {
            read::pieces_of_version(self.hold.cell(), bytes, copy);
        }
    }

    /// Copies the `F` at an offset, as `read_with` does.
    #[inline(always)]
    pub(crate) fn field<F: SharedValue>(&self, offset: usize) -> Unchecked<F> {
        if const { Unchecked::<F>::IS_LARGE } {
            Unchecked::by(offset, |copy| self.read_with(copy))
        } else {
            self.read_with(|slot| copy::load(slot, offset))
        }
    }

    #[inline(never)]
    #[track_caller]
    fn expect_writable(&self) {
        if let Err(error) = self.check() {
            panic!("{error}");
        }
    }

    /// Panics if a commit or rollback would include writes of a transaction, or of an `update` that is not finished.
    #[track_caller]
    fn check_whole(&self) {
        assert!(!self.hold.is_joined(), "a transaction commits or rolls back as a whole: leave that to it");
        assert!(!self.hold.is_any_borrowed(), "{}", Error::Borrowed);
    }

    #[cold]
    #[inline(never)]
    fn check(&self) -> Result<(), Error> {
        if !self.hold.is_held() {
            return Err(Refusal::NotHeld.into());
        }
        Ok(self.hold.check_writable()?)
    }
}

impl<'a, C: Contents + ?Sized> Deref for ScopedHold<'a, C> {
    type Target = Hold<'a, C>;

    #[inline(always)]
    fn deref(&self) -> &Hold<'a, C> {
        &self.hold
    }
}

impl<C: Contents + ?Sized> Drop for ScopedHold<'_, C> {
    #[inline]
    fn drop(&mut self) {
        if thread::panicking() && self.hold.is_held() {
            if self.panicking {
                self.hold.unwind_drafts();
            } else {
                self.hold.unwind();
            }
        }
        // An overwritten lock cannot be reported here.
        let _ = self.hold.end();
    }
}
