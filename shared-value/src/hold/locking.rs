//! Taking and releasing the lock of a cell: for a hold, for one function.
#![allow(unsafe_code)]

use crate::cell::Cell;
use crate::error::Error;
use crate::format::contents::Contents;
use crate::hold::Hold;
use crate::hold::patience::Patience;
use crate::lock::{self, Acquired, Overwritten, Refusal, Thread, Wait, wakeup};
use crate::protocol::atomics::AtomicU64;
use crate::protocol::fault;

/// Wakes the threads that wait for a change, if the release has found any, or cannot tell: the commits of a thread whose lock
/// was overwritten stand.
#[inline(always)]
pub(super) fn raise_for(released: Result<bool, Overwritten>, event: &AtomicU64) -> Result<(), Refusal> {
    match released {
        Ok(false) => Ok(()),
        Ok(true) => {
            wakeup::raise(event);
            Ok(())
        }
        Err(overwritten) => {
            wakeup::raise(event);
            Err(overwritten.into())
        }
    }
}

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

    /// Wakes the threads that wait for a change of the value, as the function of this name does.
    #[inline(always)]
    pub(crate) fn raise_for(&self, released: Result<bool, Overwritten>) -> Result<(), Refusal> {
        raise_for(released, self.event())
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
