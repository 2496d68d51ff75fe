//! `DetachedHold`: a hold that refers to no handle.

use std::fmt;
use std::time::Duration;

use crate::error::Error;
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::hold::detached::Detached;
use crate::lock::Wait;

/// A hold on the lock of a value that refers to no handle: each call names the value, or another one under the same lock. For
/// interpreters, which keep handles alive in a way of their own. An [`OwnedGuard`](crate::OwnedGuard) keeps a handle, which takes
/// some atomic operations more.
///
/// While a thread has one, its reads and writes by any handle of the value are those of a guard. **It ends by
/// [`release`](Self::release) alone**: if it is dropped without that, the lock stays held until the thread ends, as after
/// [`std::mem::forget`] of a guard. Then the next owner takes over, and what was not committed is lost.
///
/// The calls return `Lock` with [`NotHeld`](crate::LockError::NotHeld), and change nothing, in a thread that did not take the lock,
/// in a forked child, after `release`, and for a value under another lock.
///
/// ```
/// use shared_value::{DetachedHold, Error, LockError, Synchronized};
///
/// let (value, other) = (Synchronized::new(1_i64)?, Synchronized::new(1_i64)?);
/// let hold = DetachedHold::lock(&value)?;
/// value.set(2)?;
/// assert!(matches!(hold.release(&other), Err(Error::Lock(LockError::NotHeld))));
/// assert_eq!(value.version(), 0);
/// hold.release(&value)?;
/// assert_eq!((value.get(), value.version()), (2, 1));
/// assert!(matches!(hold.release(&value), Err(Error::Lock(LockError::NotHeld))));
/// # Ok::<(), Error>(())
/// ```
#[must_use = "the lock stays held until this is released"]
pub struct DetachedHold(Detached);

impl DetachedHold {
    /// Takes the lock as [`Synchronized::lock`] does.
    ///
    /// # Errors
    /// The errors of [`Synchronized::lock`].
    pub fn lock<C: Shared + ?Sized>(value: &Synchronized<C>) -> Result<Self, Error> {
        Self::acquire(value, Wait::Forever)
    }

    /// Takes the lock if it is free, as [`Synchronized::try_lock`] does.
    ///
    /// # Errors
    /// The errors of [`Synchronized::try_lock`].
    #[inline]
    pub fn try_lock<C: Shared + ?Sized>(value: &Synchronized<C>) -> Result<Self, Error> {
        Self::acquire(value, Wait::Never)
    }

    /// Takes the lock, or gives up after `timeout`, as [`Synchronized::lock_timeout`] does.
    ///
    /// # Errors
    /// The errors of [`Synchronized::lock_timeout`].
    pub fn lock_timeout<C: Shared + ?Sized>(value: &Synchronized<C>, timeout: Duration) -> Result<Self, Error> {
        Self::acquire(value, Wait::at_most(timeout))
    }

    #[inline]
    fn acquire<C: Shared + ?Sized>(value: &Synchronized<C>, wait: Wait) -> Result<Self, Error> {
        Ok(Self(Detached::acquire(&value.cell, wait)?))
    }

    /// Ends this hold. If it is the last one of the thread, commits what the thread has written, and releases the lock.
    ///
    /// # Errors
    /// - `Lock` with [`NotHeld`](crate::LockError::NotHeld), as all calls.
    /// - `Lock` with [`Corrupted`](crate::LockError::Corrupted) if another process overwrote the lock. The hold has ended, and the
    ///   commits of this thread stand.
    #[inline]
    pub fn release<C: Shared + ?Sized>(&self, value: &Synchronized<C>) -> Result<(), Error> {
        Ok(self.0.end(&value.cell)?)
    }

    /// Publishes what this thread has written since the last commit, and keeps the lock.
    ///
    /// # Errors
    /// - `Lock` with [`NotHeld`](crate::LockError::NotHeld), as all calls.
    /// - `Borrowed` inside of an `update` of the value by this thread, `Unwound` after a panic has passed through an inner guard,
    ///   `Unsupported` in a transaction. Nothing was committed.
    pub fn commit<C: Shared + ?Sized>(&self, value: &Synchronized<C>) -> Result<(), Error> {
        self.0.commit(&value.cell)
    }

    /// Discards what this thread has written since the last commit, and keeps the lock. Atomic fields are not rolled back.
    ///
    /// # Errors
    /// The errors of [`commit`](Self::commit), but not `Unwound`: this is how to go on after such a panic.
    pub fn rollback<C: Shared + ?Sized>(&self, value: &Synchronized<C>) -> Result<(), Error> {
        self.0.rollback(&value.cell)
    }

    /// Returns whether this thread took the lock by this hold, and has not released it.
    #[inline]
    pub fn is_mine(&self) -> bool {
        self.0.is_held_here()
    }

    /// Returns whether the lock was taken over from a thread that died while it held the lock; see
    /// [`Guard::recovered`](crate::Guard::recovered).
    pub fn recovered(&self) -> bool {
        self.0.recovered()
    }
}

impl fmt::Debug for DetachedHold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DetachedHold").field("is_mine", &self.is_mine()).finish()
    }
}
