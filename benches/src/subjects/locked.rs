//! `Behind`: values behind the locks of other libraries.

use anyhow::Result;

use crate::subjects::handover::Handover;
use crate::subjects::payload::Payload;
use crate::subjects::subject::Subject;

/// A lock and the value behind it. Most other libraries offer no more.
pub trait Locked<T>: Sized + 'static {
    /// The name of the contestants that use it.
    const NAME: &'static str;

    /// Creates one.
    ///
    /// # Errors
    /// If this machine cannot create one.
    fn create(value: T) -> Result<Self>;

    /// Calls a function with the value, under the lock. The function must not use the lock.
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R;

    /// Calls a function under the lock. The function may use the lock once more if the lock is recursive.
    #[inline(always)]
    fn hold<R>(&self, work: impl FnOnce() -> R) -> R {
        self.with(|_| work())
    }
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
        self.0.hold(work)
    }
}
