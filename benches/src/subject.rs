//! `Subject`: a value that is read and changed, of this library or another.

use anyhow::Result;

use crate::handover::Handover;
use crate::payload::Payload;

/// A value under a lock, or one that needs none.
pub trait Subject<T>: Sized + 'static {
    /// What it is called.
    const NAME: &'static str;

    /// Makes one.
    ///
    /// # Errors
    /// If that cannot be done here.
    fn create(value: T) -> Result<Self>;

    /// Adds one to the first word of the value.
    fn increment(&self);

    /// Adds one to every word of the value, as one change.
    fn step(&self);

    /// Replaces the value.
    fn write(&self, value: T);

    /// Copies the value.
    fn read(&self) -> T;

    /// Copies the first word of the value.
    fn count(&self) -> u64;

    /// Does something under the lock.
    fn hold<R>(&self, work: impl FnOnce() -> R) -> R;

    /// How often this thread has copied once more because a write came between, if it can be known and may happen.
    fn retries() -> Option<u64> {
        None
    }
}

/// A lock with a value in it: all that most others offer.
pub trait Locked<T>: Sized + 'static {
    /// What it is called.
    const NAME: &'static str;

    /// Makes one.
    ///
    /// # Errors
    /// If that cannot be done here.
    fn create(value: T) -> Result<Self>;

    /// Does something to the value under the lock.
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R;
}

/// A value behind a lock of another library.
pub struct Behind<L>(L);

impl<L: Handover> Handover for Behind<L> {
    fn token(&self) -> Result<String> {
        self.0.token()
    }

    fn attach(token: &str) -> Result<Self> {
        L::attach(token).map(Self)
    }
}

impl<T: Payload, L: Locked<T>> Subject<T> for Behind<L> {
    const NAME: &'static str = L::NAME;

    fn create(value: T) -> Result<Self> {
        L::create(value).map(Self)
    }

    #[inline(always)]
    fn increment(&self) {
        self.0.with(|value| *value.count_mut() += 1);
    }

    #[inline(always)]
    fn step(&self) {
        self.0.with(T::step);
    }

    #[inline(always)]
    fn write(&self, new: T) {
        self.0.with(|value| *value = new);
    }

    #[inline(always)]
    fn read(&self) -> T {
        self.0.with(|value| *value)
    }

    #[inline(always)]
    fn count(&self) -> u64 {
        self.0.with(|value| value.count())
    }

    #[inline(always)]
    fn hold<R>(&self, work: impl FnOnce() -> R) -> R {
        self.0.with(|_| work())
    }
}
