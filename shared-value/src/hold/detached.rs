//! `Detached`: a hold that refers to no cell. Each use names a cell under the lock; only the thread that took the lock can use it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::{ptr, thread};

use crate::cell::Cell;
use crate::error::Error;
use crate::format::contents::Contents;
use crate::hold::Hold;
use crate::lock::{self, Acquired, Refusal, Thread, Wait};

/// A hold without its cell. It ends by `end`, not by its drop.
pub(crate) struct Detached {
    /// The address of the lock in memory.
    lock: usize,
    /// Whether it was taken as one that may guard several values.
    is_lock_shared: bool,
    /// The thread's token when it took the lock: in another thread, and in a forked child, the token differs.
    token: u64,
    acquired: Acquired,
    /// Whether a panic was under way when the lock was taken.
    panicking: bool,
    has_ended: AtomicBool,
}

impl Detached {
    #[inline]
    pub(crate) fn acquire<C: Contents + ?Sized>(cell: &Cell<C>, wait: Wait) -> Result<Self, Refusal> {
        let panicking = thread::panicking();
        let Hold { token, acquired, .. } = Hold::acquire(cell, wait)?;
        let acquired = acquired.unwrap_or(Acquired::Again);
        Ok(Self {
            lock: address_of(cell),
            is_lock_shared: cell.is_lock_shared(),
            token,
            acquired,
            panicking,
            has_ended: AtomicBool::new(false),
        })
    }

    /// Returns whether the calling thread took the lock, and this hold has not ended.
    #[inline]
    pub(crate) fn is_held_here(&self) -> bool {
        self.thread().is_ok()
    }

    /// Returns whether the lock was taken over from an owner that died while it held the lock.
    pub(crate) fn recovered(&self) -> bool {
        self.acquired == Acquired::TakenOver
    }

    /// Commits the thread's writes.
    ///
    /// # Errors
    /// `NotHeld` in another thread, in a forked child, after the end, and for a cell under another lock; `Borrowed`, `Unwound`;
    /// `Unsupported` in a transaction.
    pub(crate) fn commit<C: Contents + ?Sized>(&self, cell: &Cell<C>) -> Result<(), Error> {
        let hold = self.whole(cell)?;
        hold.check_writable()?;
        hold.commit();
        Ok(())
    }

    /// Rolls back the thread's writes.
    ///
    /// # Errors
    /// Those of `commit`, but not `Unwound`.
    pub(crate) fn rollback<C: Contents + ?Sized>(&self, cell: &Cell<C>) -> Result<(), Error> {
        let hold = self.whole(cell)?;
        match hold.check_writable() {
            Ok(()) | Err(Refusal::Unwound) => hold.rollback(),
            Err(refusal) => return Err(refusal.into()),
        }
        Ok(())
    }

    /// Ends the hold. The thread's last hold commits.
    ///
    /// # Errors
    /// `NotHeld` in another thread, in a forked child, after the end, and for a cell under another lock; `Corrupted` if another
    /// process overwrote the lock.
    #[inline]
    pub(crate) fn end<C: Contents + ?Sized>(&self, cell: &Cell<C>) -> Result<(), Refusal> {
        let mut hold = self.bound(cell)?;
        // Relaxed: only the thread that took the lock gets here, or reads it behind `bound`'s look at the token.
        self.has_ended.store(true, Ordering::Relaxed);
        hold.end()
    }

    /// Ends the hold, if the calling thread took the lock: because of a panic, without what the panic has interrupted.
    pub(crate) fn end_by_drop<C: Contents + ?Sized>(&self, cell: &Cell<C>) {
        if thread::panicking()
            && let Ok(hold) = self.bound(cell)
        {
            if self.panicking {
                hold.unwind_drafts();
            } else {
                hold.unwind();
            }
        }
        // In another thread there is nothing to end, and an overwritten lock cannot be reported here.
        let _ = self.end(cell);
    }

    /// Returns the hold, if a commit or a rollback would not include writes of a transaction, or of an unfinished `update`.
    fn whole<'a, C: Contents + ?Sized>(&self, cell: &'a Cell<C>) -> Result<Hold<'a, C>, Error> {
        let hold = self.bound(cell)?;
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

    /// Returns the hold, if the calling thread took the lock of this cell. Only `end` ends it.
    ///
    /// A hold may outlive all handles, and the lock of a later value may lie at its address. The thread does not hold that one.
    #[inline]
    fn bound<'a, C: Contents + ?Sized>(&self, cell: &'a Cell<C>) -> Result<Hold<'a, C>, Refusal> {
        let thread = self.thread()?;
        let is_same = self.lock == address_of(cell) && self.is_lock_shared == cell.is_lock_shared();
        if !is_same || !lock::holds(cell.lock()) {
            return Err(Refusal::NotHeld);
        }
        Ok(Hold { cell, thread, token: self.token, acquired: Some(self.acquired) })
    }

    /// Returns the calling thread, if it took the lock, and the hold has not ended.
    #[inline]
    fn thread(&self) -> Result<Thread, Refusal> {
        let thread = Thread::known().filter(|thread| thread.token() == self.token).ok_or(Refusal::NotHeld)?;
        if self.has_ended.load(Ordering::Relaxed) { Err(Refusal::NotHeld) } else { Ok(thread) }
    }
}

#[inline]
fn address_of<C: Contents + ?Sized>(cell: &Cell<C>) -> usize {
    ptr::from_ref(cell.lock()).addr()
}
