//! `OwnedHold`: a hold that borrows nothing, so that it can be kept anywhere. Only the thread that took the lock can use it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::cell::Cell;
use crate::error::Error;
use crate::format::contents::Contents;
use crate::hold::Hold;
use crate::lock::{self, Acquired, Refusal, Thread, Wait};

/// A hold with its cell. It ends by `end`, or when it is dropped by the thread that took the lock.
///
/// If another thread drops it, the lock stays held until its thread ends, as after a leaked guard; the mapping stays too.
pub(crate) struct OwnedHold<C: Contents + ?Sized> {
    cell: Cell<C>,
    /// The thread's token when it took the lock: in another thread, and in a forked child, the token differs.
    token: u64,
    acquired: Acquired,
    /// Whether a panic was under way when the lock was taken.
    panicking: bool,
    has_ended: AtomicBool,
}

impl<C: Contents + ?Sized> OwnedHold<C> {
    pub(crate) fn acquire(cell: Cell<C>, wait: Wait) -> Result<Self, Refusal> {
        let panicking = thread::panicking();
        let Hold { token, acquired, .. } = Hold::acquire(&cell, wait)?;
        let acquired = acquired.unwrap_or(Acquired::Again);
        Ok(Self { cell, token, acquired, panicking, has_ended: AtomicBool::new(false) })
    }

    /// Returns whether the calling thread took the lock, and this hold has not ended.
    pub(crate) fn is_held_here(&self) -> bool {
        self.bound().is_ok()
    }

    /// Returns how often the calling thread holds the lock, by holds of any kind.
    pub(crate) fn depth(&self) -> u64 {
        Thread::known().map_or(0, |thread| lock::depth(thread, self.cell.lock()))
    }

    /// Returns whether the lock was taken over from an owner that died while it held the lock.
    pub(crate) fn recovered(&self) -> bool {
        self.acquired == Acquired::TakenOver
    }

    /// Commits the thread's writes.
    ///
    /// # Errors
    /// `NotHeld` in another thread, in a forked child, and after the end; `Borrowed`, `Unwound`; `Unsupported` in a transaction.
    pub(crate) fn commit(&self) -> Result<(), Error> {
        let hold = self.whole()?;
        hold.check_writable()?;
        hold.commit();
        Ok(())
    }

    /// Rolls back the thread's writes.
    ///
    /// # Errors
    /// Those of `commit`, but not `Unwound`.
    pub(crate) fn rollback(&self) -> Result<(), Error> {
        let hold = self.whole()?;
        match hold.check_writable() {
            Ok(()) | Err(Refusal::Unwound) => hold.rollback(),
            Err(refusal) => return Err(refusal.into()),
        }
        Ok(())
    }

    /// Ends the hold. The thread's last hold commits.
    ///
    /// # Errors
    /// `NotHeld` in another thread, in a forked child, and after the end; `Corrupted` if another process overwrote the lock.
    pub(crate) fn end(&self) -> Result<(), Refusal> {
        let mut hold = self.bound()?;
        // Relaxed: only the thread that took the lock gets here, or reads it behind `bound`'s look at the token.
        self.has_ended.store(true, Ordering::Relaxed);
        hold.end()
    }

    /// Returns the hold, if a commit or a rollback would not include writes of a transaction, or of an unfinished `update`.
    fn whole(&self) -> Result<Hold<'_, C>, Error> {
        let hold = self.bound()?;
        if hold.is_joined() {
            return Err(Error::Unsupported {
                what: "a transaction commits or rolls back as a whole: leave that to it",
            });
        }
        if hold.is_any_borrowed() {
            return Err(Error::Borrowed);
        }
        Ok(hold)
    }

    /// Returns the hold, if the calling thread took the lock. Only `end` ends it.
    fn bound(&self) -> Result<Hold<'_, C>, Refusal> {
        let thread = Thread::known().filter(|thread| thread.token() == self.token).ok_or(Refusal::NotHeld)?;
        if self.has_ended.load(Ordering::Relaxed) {
            return Err(Refusal::NotHeld);
        }
        Ok(Hold { cell: &self.cell, thread, token: self.token, acquired: Some(self.acquired) })
    }
}

impl<C: Contents + ?Sized> Drop for OwnedHold<C> {
    fn drop(&mut self) {
        if thread::panicking()
            && let Ok(hold) = self.bound()
        {
            if self.panicking {
                hold.unwind_drafts();
            } else {
                hold.unwind();
            }
        }
        // In another thread there is nothing to end, and an overwritten lock cannot be reported here.
        let _ = self.end();
    }
}
