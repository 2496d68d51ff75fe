//! `LiveGuard`: proof that this thread holds the lock of a live value; and holds without a guard.

use std::fmt;
use std::mem;
use std::time::Duration;

use crate::error::Error;
use crate::format::OneSlot;
use crate::hold::Hold;
use crate::live::{Live, Plain};
use crate::lock::{self, Thread, Wait};

/// Proof that this thread holds the lock of a [`Live`] value. Dropping it releases the lock, and wakes the threads that
/// [wait](Live::wait_until) for a change.
///
/// There is nothing to commit or to roll back: what is written is written, also if a panic drops the guard. In a child that was
/// forked meanwhile, the guard holds nothing.
#[must_use = "if unused the lock is released at once"]
#[clippy::has_significant_drop]
pub struct LiveGuard<'a, C: Plain + ?Sized> {
    hold: Hold<'a, OneSlot<C>>,
}

/// Locking.
impl<C: Plain + ?Sized> Live<C> {
    /// Takes the lock, and waits for it as long as needed. A thread that holds the lock takes it once more, unless the value was
    /// created as [`non_recursive`](crate::Options::non_recursive).
    ///
    /// # Errors
    /// The errors of [`Synchronized::lock`](crate::Synchronized::lock).
    ///
    /// ```
    /// use shared_value::Live;
    ///
    /// let point = Live::new([1.0, 2.0])?;
    /// let guard = point.lock()?;
    /// let [x, y] = point.get(); // Both are of one moment, if all writers take the lock.
    /// point.set([y, x])?;
    /// drop(guard);
    /// assert_eq!(point.get(), [2.0, 1.0]);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    #[inline]
    pub fn lock(&self) -> Result<LiveGuard<'_, C>, Error> {
        LiveGuard::acquire(self, Wait::Forever)
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// The errors of [`Synchronized::try_lock`](crate::Synchronized::try_lock).
    #[inline]
    pub fn try_lock(&self) -> Result<LiveGuard<'_, C>, Error> {
        LiveGuard::acquire(self, Wait::Never)
    }

    /// Takes the lock, or gives up after `timeout` by the monotonic clock.
    ///
    /// # Errors
    /// The errors of [`Synchronized::lock_timeout`](crate::Synchronized::lock_timeout).
    #[inline]
    pub fn lock_timeout(&self, timeout: Duration) -> Result<LiveGuard<'_, C>, Error> {
        LiveGuard::acquire(self, Wait::at_most(timeout))
    }

    /// Ends one hold of this thread on the lock: one that [`LiveGuard::keep`] has kept. Waking the threads that wait for a change
    /// is a part of the last release.
    ///
    /// If all holds of the thread belong to guards, it ends one of these. The lock is then free before the guard is dropped.
    ///
    /// # Errors
    /// - `Lock` with [`NotHeld`](crate::LockError::NotHeld) if this thread does not hold the lock: in another thread than the one
    ///   that took it, and in a forked child.
    /// - `Lock` with [`Corrupted`](crate::LockError::Corrupted) if another process overwrote the lock. The hold has ended.
    #[inline]
    pub fn release(&self) -> Result<(), Error> {
        Ok(Hold::last_of_thread(&self.cell)?.end()?)
    }

    /// Returns how often this thread holds the lock; 0 if another thread, or none, holds it.
    #[inline]
    pub fn depth(&self) -> u64 {
        Thread::known().map_or(0, |thread| lock::depth(thread, self.cell.lock()))
    }
}

impl<'a, C: Plain + ?Sized> LiveGuard<'a, C> {
    #[inline(always)]
    fn acquire(value: &'a Live<C>, wait: Wait) -> Result<Self, Error> {
        Ok(Self { hold: Hold::acquire(&value.cell, wait)? })
    }

    /// Returns whether the lock was taken over from a thread that died while it held the lock. The value is as that thread had
    /// left it, perhaps in the middle of a change.
    pub fn recovered(&self) -> bool {
        self.hold.recovered()
    }

    /// Releases the lock as a drop does, but reports errors.
    pub(super) fn release(mut self) -> Result<(), Error> {
        Ok(self.hold.end()?)
    }

    /// Drops the guard and keeps the lock, until [`Live::release`] ends this hold, or the thread ends: for interpreters, and for
    /// other callers that cannot keep a guard with its lifetime.
    ///
    /// ```
    /// use shared_value::{Error, Live, LockError};
    ///
    /// /// A lock of an interpreter, with methods that the program calls in any order.
    /// struct Lock { value: Live<i64> }
    ///
    /// impl Lock {
    ///     fn acquire(&self) -> Result<bool, Error> {
    ///         let guard = self.value.lock()?;
    ///         let recovered = guard.recovered();
    ///         guard.keep();
    ///         Ok(recovered)
    ///     }
    ///
    ///     fn release(&self) -> Result<(), Error> {
    ///         self.value.release()
    ///     }
    /// }
    ///
    /// let lock = Lock { value: Live::new(1)? };
    /// lock.acquire()?;
    /// lock.acquire()?;
    /// assert_eq!(lock.value.depth(), 2);
    /// lock.release()?;
    /// lock.release()?;
    /// assert!(matches!(lock.release(), Err(Error::Lock(LockError::NotHeld))));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn keep(self) {
        mem::forget(self);
    }
}

impl<C: Plain + ?Sized> Drop for LiveGuard<'_, C> {
    #[inline]
    fn drop(&mut self) {
        // An overwritten lock cannot be reported here, nor one that `release` has freed before.
        let _ = self.hold.end();
    }
}

impl<C: Plain + ?Sized> fmt::Debug for LiveGuard<'_, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LiveGuard").field("recovered", &self.recovered()).finish_non_exhaustive()
    }
}
