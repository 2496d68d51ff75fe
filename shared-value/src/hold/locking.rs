//! Taking and releasing the lock of a cell: for a hold, for a transaction, for one function.
#![allow(unsafe_code)]

use crate::cell::Cell;
use crate::error::Error;
use crate::format::contents::Contents;
use crate::hold::Hold;
use crate::hold::patience::Patience;
use crate::lock::{self, Acquired, Mark, Overwritten, Refusal, Thread, Wait, wakeup};
use crate::protocol::fault;

impl<'a, C: Contents + ?Sized> Cell<C> {
    /// Takes the value's own native lock, and rolls back the draft of a dead owner.
    #[inline(always)]
    pub(super) fn take(&self, thread: Thread, wait: Wait) -> Result<Acquired, Refusal> {
        // SAFETY: a `Thread` is always the calling thread. `self` keeps the lock mapped while it lives; if a hold is leaked,
        // so that the lock is held longer, `Segment::drop` keeps the mapping.
        let acquired = unsafe { lock::acquire(thread, self.lock(), wait) }?;
        self.recover_from(acquired);
        Ok(acquired)
    }

    /// Rolls back the draft of a dead owner.
    #[inline(always)]
    pub(crate) fn recover_from(&self, acquired: Acquired) {
        if acquired == Acquired::TakenOver && !fault::is_chosen("no_rollback") {
            self.recover();
        }
    }

    /// Wakes the threads that wait for a change, if the release has found any, or cannot tell: the commits of a thread whose
    /// lock was overwritten stand.
    #[inline(always)]
    pub(crate) fn raise_for(&self, released: Result<bool, Overwritten>) -> Result<(), Refusal> {
        match released {
            Ok(false) => Ok(()),
            Ok(true) => {
                wakeup::raise(self.event());
                Ok(())
            }
            Err(overwritten) => {
                wakeup::raise(self.event());
                Err(overwritten.into())
            }
        }
    }

    /// Releases the lock that `take` has taken, if there is no draft.
    ///
    /// # Safety
    /// This thread has taken the lock by `take`, and no other `let_go` or `release` belongs to that.
    #[inline(always)]
    unsafe fn let_go(&self, thread: Thread) -> Result<(), Refusal> {
        // SAFETY: the caller promises that this is the only release of a `take` by this thread; a `Thread` is always the
        // calling thread.
        self.raise_for(unsafe { lock::release(thread, self.lock(), |_| {}) })
    }

    /// Takes the value's own native lock for a transaction, which commits or rolls back all writes until `leave`.
    ///
    /// # Errors
    /// `AlreadyHeld` if the thread holds the lock, and the refusals of `Hold::acquire`.
    pub(crate) fn join(&self, thread: Thread, wait: Wait) -> Result<(), Refusal> {
        if self.take(thread, wait)? == Acquired::Again {
            // SAFETY: `take` took the lock once more for this thread, and nothing else releases that hold.
            unsafe { self.let_go(thread) }?;
            return Err(Refusal::AlreadyHeld);
        }
        lock::set_joined(thread, self.lock(), true);
        Ok(())
    }

    /// Ends a `join`. Does nothing unless the running thread joined: in a forked child it does nothing.
    pub(crate) fn leave(&self, thread: Thread) -> Result<(), Refusal> {
        if !lock::is_joined_by(thread, self.lock()) {
            return Ok(());
        }
        lock::set_joined(thread, self.lock(), false);
        // SAFETY: `is_joined_by` found that `join` took the lock for this thread, and the note is cleared, so this is the
        // only release of that hold.
        unsafe { self.let_go(thread) }
    }

    /// Returns whether a panic has passed through an inner hold of the value, so that its draft must not be committed.
    pub(crate) fn is_unwound(&self, thread: Thread) -> bool {
        lock::mark(thread, self.lock()) == Mark::Unwound
    }

    /// Runs `work` under the lock, unless an `update` of this thread has the value borrowed.
    ///
    /// `work` must not panic, or the lock stays held.
    #[inline(always)]
    pub(crate) fn locked<R, E: From<Error>>(
        &'a self,
        patience: impl Patience,
        work: impl FnOnce(&mut Hold<'a, C>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut hold = patience.take(|wait| Hold::acquire(self, wait)).map_err(Error::from)?;
        // The first hold of a thread finds no mark.
        let writable = if hold.acquired == Some(Acquired::Again) { hold.check_writable() } else { Ok(()) };
        let result = match writable {
            Ok(()) => work(&mut hold),
            Err(refusal) => Err(Error::from(refusal).into()),
        };
        let ended = hold.end();
        let result = result?;
        ended.map_err(Error::from)?;
        Ok(result)
    }
}
