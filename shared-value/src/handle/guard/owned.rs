//! `OwnedGuard`: a guard without a lifetime.

use std::fmt;
use std::time::Duration;

use crate::cell::Cell;
use crate::error::Error;
use crate::handle::lock_object::{LockObject, LockRule};
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::hold::detached::Detached;
use crate::lock::{self, Thread, Wait};

/// A guard that borrows no handle: for interpreters, and for other callers that cannot keep a [`Guard`](crate::Guard) with its
/// lifetime. Returned by [`Synchronized::lock_owned`].
///
/// While a thread has one, its reads and writes by any handle of the value are those of a guard: it sees its own writes, and
/// others see them when they are committed. One guard is one hold: a thread that takes the lock twice has to release it twice, in
/// any order.
///
/// The guard may be kept, dropped and called anywhere. But the lock belongs to the thread that took it:
///
/// | call | in the thread that took the lock | in another thread, in a forked child, or after `release` |
/// |---|---|---|
/// | [`release`](Self::release) | releases; the last hold of the thread commits | `Lock` with [`NotHeld`](crate::LockError::NotHeld) |
/// | [`commit`](Self::commit), [`rollback`](Self::rollback) | as those of a `Guard`, but errors in place of panics | the same error |
/// | drop | releases, or rolls back because of a panic, as a `Guard` does | does nothing |
///
/// If another thread drops a guard that was not released, the lock stays held until the thread that took it ends; then the next
/// owner takes over, as after a death, and what was not committed is lost.
///
/// ```
/// use shared_value::{Error, LockError, OwnedGuard, Synchronized};
///
/// /// An object of an interpreter, with methods that the program calls in any order.
/// struct Lock { value: Synchronized<i64>, guards: Vec<OwnedGuard<i64>> }
///
/// let value = Synchronized::new(1_i64)?;
/// let mut lock = Lock { value: value.clone(), guards: Vec::new() };
/// lock.guards.push(lock.value.lock_owned()?);
/// lock.guards.push(lock.value.lock_owned()?);
/// assert_eq!(lock.guards[0].depth(), 2);
/// value.set(2)?;
/// lock.guards[0].release()?;
/// assert!(matches!(lock.guards[0].release(), Err(Error::Lock(LockError::NotHeld))));
/// # let other = value.clone();
/// # std::thread::scope(|scope| scope.spawn(|| {
/// assert_eq!(other.get(), 1); // In another thread: the second hold has not ended.
/// assert!(matches!(lock.guards[1].release(), Err(Error::Lock(LockError::NotHeld))));
/// # }).join().unwrap());
/// lock.guards.clear();
/// assert_eq!((value.get(), value.version()), (2, 1));
/// # Ok::<(), Error>(())
/// ```
#[must_use = "if unused the lock is released at once"]
#[clippy::has_significant_drop]
pub struct OwnedGuard<C: Shared + ?Sized> {
    cell: Cell<C>,
    hold: Detached,
}

/// Locking, for callers that cannot keep a guard with a lifetime.
impl<C: Shared + ?Sized> Synchronized<C> {
    /// Takes the lock as [`lock`](Self::lock) does, and returns a guard that borrows nothing.
    ///
    /// # Errors
    /// The errors of [`lock`](Self::lock).
    pub fn lock_owned(&self) -> Result<OwnedGuard<C>, Error> {
        OwnedGuard::acquire(self, Wait::Forever)
    }

    /// Takes the lock if it is free, as [`try_lock`](Self::try_lock) does, and returns a guard that borrows nothing.
    ///
    /// # Errors
    /// The errors of [`try_lock`](Self::try_lock).
    pub fn try_lock_owned(&self) -> Result<OwnedGuard<C>, Error> {
        OwnedGuard::acquire(self, Wait::Never)
    }

    /// Takes the lock, or gives up after `timeout`, as [`lock_timeout`](Self::lock_timeout) does, and returns a guard that
    /// borrows nothing.
    ///
    /// # Errors
    /// The errors of [`lock_timeout`](Self::lock_timeout).
    pub fn lock_owned_timeout(&self, timeout: Duration) -> Result<OwnedGuard<C>, Error> {
        OwnedGuard::acquire(self, Wait::at_most(timeout))
    }
}

/// Locking, for callers that cannot keep a guard with a lifetime.
impl<R: LockRule> LockObject<R> {
    /// Takes the lock as [`lock`](Self::lock) does, and returns a guard that borrows nothing.
    ///
    /// # Errors
    /// The errors of [`lock`](Self::lock).
    pub fn lock_owned(&self) -> Result<OwnedGuard<R>, Error> {
        self.handle().lock_owned()
    }

    /// Takes the lock if it is free, as [`try_lock`](Self::try_lock) does, and returns a guard that borrows nothing.
    ///
    /// # Errors
    /// The errors of [`try_lock`](Self::try_lock).
    pub fn try_lock_owned(&self) -> Result<OwnedGuard<R>, Error> {
        self.handle().try_lock_owned()
    }

    /// Takes the lock, or gives up after `timeout`, as [`lock_timeout`](Self::lock_timeout) does, and returns a guard that
    /// borrows nothing.
    ///
    /// # Errors
    /// The errors of [`lock_timeout`](Self::lock_timeout).
    pub fn lock_owned_timeout(&self, timeout: Duration) -> Result<OwnedGuard<R>, Error> {
        self.handle().lock_owned_timeout(timeout)
    }
}

impl<C: Shared + ?Sized> OwnedGuard<C> {
    fn acquire(value: &Synchronized<C>, wait: Wait) -> Result<Self, Error> {
        let hold = Detached::acquire(&value.cell, wait)?;
        Ok(Self { cell: value.cell.clone(), hold })
    }

    /// Ends this hold. If it is the last one of the thread, commits what the thread has written, and releases the lock. Unlike a
    /// drop, it reports errors.
    ///
    /// # Errors
    /// - `Lock` with [`NotHeld`](crate::LockError::NotHeld) if another thread took the lock, in a forked child, or if this hold has
    ///   ended already. Nothing was changed.
    /// - `Lock` with [`Corrupted`](crate::LockError::Corrupted) if another process overwrote the lock. The hold has ended, and the
    ///   commits of this thread stand.
    pub fn release(&self) -> Result<(), Error> {
        Ok(self.hold.end(&self.cell)?)
    }

    /// Publishes what this thread has written since the last commit, and keeps the lock.
    ///
    /// # Errors
    /// - `Lock` with [`NotHeld`](crate::LockError::NotHeld), as [`release`](Self::release).
    /// - `Borrowed` inside of an `update` of the value by this thread, `Unwound` after a panic has passed through an inner guard,
    ///   `Unsupported` in a transaction. Nothing was committed.
    pub fn commit(&self) -> Result<(), Error> {
        self.hold.commit(&self.cell)
    }

    /// Discards what this thread has written since the last commit, and keeps the lock. Atomic fields are not rolled back.
    ///
    /// # Errors
    /// The errors of [`commit`](Self::commit), but not `Unwound`: this is how to go on after such a panic.
    pub fn rollback(&self) -> Result<(), Error> {
        self.hold.rollback(&self.cell)
    }

    /// Returns whether this thread took the lock by this guard, and has not released it.
    pub fn is_mine(&self) -> bool {
        self.hold.is_held_here()
    }

    /// Returns how often this thread holds the lock of the value, by guards of any kind; 0 in other threads.
    pub fn depth(&self) -> u64 {
        Thread::known().map_or(0, |thread| lock::depth(thread, self.cell.lock()))
    }

    /// Returns whether the lock was taken over from a thread that died while it held the lock; see
    /// [`Guard::recovered`](crate::Guard::recovered).
    pub fn recovered(&self) -> bool {
        self.hold.recovered()
    }
}

impl<C: Shared + ?Sized> Drop for OwnedGuard<C> {
    fn drop(&mut self) {
        self.hold.end_by_drop(&self.cell);
    }
}

impl<C: Shared + ?Sized> fmt::Debug for OwnedGuard<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OwnedGuard").field("is_mine", &self.is_mine()).field("depth", &self.depth()).finish()
    }
}
