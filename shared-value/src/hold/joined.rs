//! Taking and releasing the lock of a value for a transaction.
#![allow(unsafe_code)]

use crate::cell::BareCell;
use crate::hold::locking::raise_for;
use crate::lock::{self, Acquired, Mark, Refusal, Thread, Wait};
use crate::protocol::fault;

impl BareCell {
    /// Takes the lock for a transaction, which commits or rolls back all writes until `leave`. Rolls back the draft of a dead
    /// owner.
    ///
    /// # Errors
    /// `AlreadyHeld` if the thread holds the lock, and the refusals of `Hold::acquire`.
    pub(crate) fn join(&self, thread: Thread, wait: Wait) -> Result<(), Refusal> {
        // SAFETY: a `Thread` is always the calling thread. `self` keeps the lock mapped while it lives; if it is leaked, so
        // that the lock is held longer, `Segment::drop` keeps the mapping.
        let acquired = unsafe { lock::acquire_joined(thread, self.lock(), wait) }?;
        if acquired == Acquired::TakenOver && !fault::is_chosen("no_rollback") {
            self.recover();
        }
        Ok(())
    }

    /// Ends a `join`. Does nothing unless the running thread joined: in a forked child it does nothing.
    pub(crate) fn leave(&self, thread: Thread) -> Result<(), Refusal> {
        // SAFETY: a `Thread` is always the calling thread.
        raise_for(unsafe { lock::release_joined(thread, self.lock()) }, self.event())
    }

    /// Returns whether a panic has passed through an inner hold of the value, so that its draft must not be committed.
    pub(crate) fn is_unwound(&self, thread: Thread) -> bool {
        lock::mark(thread, self.lock()) == Mark::Unwound
    }
}
