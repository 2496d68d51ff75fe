//! `Guard`: proof that this thread holds the lock of a value.

use std::fmt;
use std::thread;

use crate::error::Error;
use crate::layout::{Printed, SharedValue};
use crate::locked::Locked;
use crate::read;

/// Proof that this thread holds the lock of a value.
///
/// What is written through it, or through any handle by the same thread, is seen by this thread at once and by others
/// when it is committed: by [`commit`](Self::commit), or when the thread's last guard is dropped. Dropping it because
/// of a panic rolls back instead, and so does the death of the process.
///
/// In a child that was forked while the guard was alive, the guard holds nothing: dropping it there does nothing, and
/// writing through it panics.
///
/// ```
/// use shared_value::Synchronized;
///
/// let counter = Synchronized::new(1_i64)?;
/// let mut guard = counter.lock()?;
/// guard.store(guard.load()? + 1);
/// guard.commit();
/// guard.store(0);
/// guard.rollback();
/// drop(guard);
/// assert_eq!(counter.get(), 2);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[must_use = "if unused the lock is released at once"]
#[clippy::has_significant_drop]
pub struct Guard<'a, T: SharedValue> {
    pub(crate) locked: Locked<'a, T>,
    /// A panic was under way already when the lock was taken, so it is not the reason for the drop.
    panicking: bool,
}

impl<'a, T: SharedValue> Guard<'a, T> {
    #[inline]
    pub(crate) fn new(locked: Locked<'a, T>) -> Self {
        Self { locked, panicking: thread::panicking() }
    }

    /// The value, with this thread's own writes.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote something that is not a `T`.
    #[inline]
    pub fn load(&self) -> Result<T, Error> {
        if self.locked.is_held() {
            read::with_atomics(self.locked.cell(), self.locked.read(0)).check()
        } else {
            read::whole(self.locked.cell()).check()
        }
    }

    /// Writes the whole value but for its atomic fields, to be committed.
    ///
    /// # Panics
    /// Inside of an `update` of the same value by this thread, and in a child that was forked after the lock was taken.
    #[inline]
    #[track_caller]
    pub fn store(&mut self, value: T) {
        self.writable().write(0, &value);
    }

    /// Lets the closure change the value. If the closure panics, nothing was changed.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote something that is not a `T`.
    ///
    /// # Panics
    /// As [`store`](Self::store).
    #[inline]
    #[track_caller]
    pub fn update<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        self.writable().update_whole(change)
    }

    /// Publishes what this thread has written since the last commit, and keeps the lock.
    ///
    /// It is one store: a process that dies before it has written nothing, one that dies after it everything.
    #[inline]
    pub fn commit(&mut self) {
        if self.locked.is_held() {
            self.locked.commit();
        }
    }

    /// Forgets what this thread has written since the last commit, through whatever guard or handle, and keeps the
    /// lock. Atomic fields are not rolled back.
    #[inline]
    pub fn rollback(&mut self) {
        if self.locked.is_held() {
            self.locked.rollback();
        }
    }

    /// Whether the lock was taken over from a thread that died with it. What that thread had not committed is gone;
    /// the value is the last committed one.
    pub fn recovered(&self) -> bool {
        self.locked.recovered()
    }

    /// The lock, if a write through this guard may happen now.
    #[inline]
    #[track_caller]
    pub(crate) fn writable(&self) -> &Locked<'a, T> {
        assert!(
            self.locked.is_held(),
            "this guard was taken before a fork and holds nothing in the child: take the lock again"
        );
        assert!(!self.locked.is_borrowed(), "{}", Error::Borrowed);
        &self.locked
    }
}

impl<T: SharedValue> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if thread::panicking() && !self.panicking {
            self.rollback();
        }
    }
}

impl<T: SharedValue> fmt::Debug for Guard<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.locked.read::<T>(0).to_bytes();
        let value = Printed { layout: T::LAYOUT, bytes: &bytes };
        formatter.debug_struct("Guard").field("value", &value).field("recovered", &self.recovered()).finish()
    }
}
