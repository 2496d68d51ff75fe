//! `Within`: changes that wait for the lock for a limited time.

use std::fmt;
use std::time::Duration;

use crate::error::Error;
use crate::handle::access::{ReadWrite, Writable};
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::hold::patience::Limited;
use crate::layout::SharedValue;

/// A handle whose changes wait for the lock for a limited time. Returned by [`Synchronized::within`].
///
/// It has the functions of the handle that change the value: those for the whole value below, and those for fields, elements,
/// nested parts and paths. The limit counts for each call anew. Reads take no lock, and are those of the handle.
///
/// ```
/// use std::time::Duration;
/// use shared_value::{Error, LockError, SharedValue};
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Account { balance: i64, limits: [u32; 4] }
///
/// let account = SynchronizedAccount::new(Account { balance: 100, limits: [0; 4] })?;
/// account.within(Duration::from_secs(1)).update_balance(|balance| *balance += 1)?;
///
/// let guard = account.lock()?;
/// # std::thread::scope(|scope| {
/// # scope.spawn(|| {
/// // In another thread or process: one attempt, and an attempt of a millisecond.
/// let error = account.within(Duration::ZERO).set_balance(7).unwrap_err();
/// assert!(matches!(error, Error::Lock(LockError::WouldBlock)));
/// let error = account.within(Duration::from_millis(1)).in_limits().set_at(2, 35).unwrap_err();
/// assert!(matches!(error, Error::Lock(LockError::TimedOut)));
/// # });
/// # });
/// # drop(guard);
/// assert_eq!((account.balance(), account.limits()), (101, [0; 4]));
/// # Ok::<(), Error>(())
/// ```
#[must_use = "it changes nothing by itself"]
pub struct Within<'a, C: Shared + ?Sized, A = ReadWrite> {
    pub(crate) value: &'a Synchronized<C, A>,
    pub(crate) patience: Limited,
}

impl<C: Shared + ?Sized, A: Writable> Synchronized<C, A> {
    /// Returns a handle whose changes wait for the lock for at most this long, by the monotonic clock.
    ///
    /// With a timeout of zero, a change makes one attempt, and fails with [`WouldBlock`](crate::LockError::WouldBlock) if
    /// another thread or process holds the lock. With any other timeout it fails with
    /// [`TimedOut`](crate::LockError::TimedOut). A change that fails has changed nothing. If the lock is free, a change takes
    /// as long as it does without a limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use shared_value::Synchronized;
    ///
    /// let counter = Synchronized::new(1_i64)?;
    /// counter.within(Duration::ZERO).set(2)?;
    /// counter.within(Duration::from_millis(20)).update(|count| *count += 1)?;
    /// assert_eq!(counter.get(), 3);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    #[inline]
    pub fn within(&self, timeout: Duration) -> Within<'_, C, A> {
        Within { value: self, patience: Limited(timeout) }
    }
}

/// The errors are those of [`Synchronized::update`], and [`WouldBlock`](crate::LockError::WouldBlock) or
/// [`TimedOut`](crate::LockError::TimedOut) if another thread or process held the lock all the time.
impl<T: SharedValue, A: Writable> Within<'_, T, A> {
    /// Replaces the whole value except its atomic fields, as [`Synchronized::set`] does.
    ///
    /// # Errors
    /// `Lock` with `WouldBlock` or `TimedOut`, and the errors of [`Synchronized::set`].
    #[inline]
    pub fn set(&self, value: T) -> Result<(), Error> {
        A::set(&self.value.cell, self.patience, 0, &value)
    }

    /// Replaces the whole value by a copy, as [`Synchronized::copy_from`] does.
    ///
    /// # Errors
    /// `Lock` with `WouldBlock` or `TimedOut`, and the errors of [`Synchronized::copy_from`].
    pub fn copy_from(&self, value: &T) -> Result<(), Error> {
        A::set(&self.value.cell, self.patience, 0, value)
    }

    /// Lets the closure change the value under the lock, as [`Synchronized::update`] does. The limit is for the wait: the
    /// closure may take longer.
    ///
    /// # Errors
    /// `Lock` with `WouldBlock` or `TimedOut`, and the errors of [`Synchronized::update`]. Then the closure was not called,
    /// unless the error is one that the closure has caused.
    #[inline(always)]
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        self.value.update_within(self.patience, change)
    }

    /// Lets the closure change the value under the lock, and commits only if it returns `Ok`, as [`Synchronized::try_update`]
    /// does.
    ///
    /// # Errors
    /// `Lock` with `WouldBlock` or `TimedOut`, and the errors of [`Synchronized::try_update`].
    #[inline]
    pub fn try_update<R, E: From<Error>>(&self, change: impl FnOnce(&mut T) -> Result<R, E>) -> Result<R, E> {
        self.value.try_update_within(self.patience, change)
    }
}

impl<C: Shared + ?Sized, A> Clone for Within<'_, C, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: Shared + ?Sized, A> Copy for Within<'_, C, A> {}

impl<C: Shared + ?Sized, A> fmt::Debug for Within<'_, C, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Within({:?})", self.patience.0)
    }
}
