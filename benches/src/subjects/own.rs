//! `Own`: values of this library, under each kind of lock.

use std::marker::PhantomData;

use anyhow::{Context, Result};
use shared_value::{LockKind, Options, RLock, Source, Synchronized};

use crate::handover::Handover;
use crate::payload::Payload;
use crate::subject::Subject;

/// A value of this library.
pub struct Own<T: Payload, V> {
    value: Synchronized<T>,
    /// The lock object, if there is one.
    lock: Option<RLock>,
    variety: PhantomData<V>,
}

/// A kind of lock that this library has.
pub trait Variety: 'static {
    /// What its values are called.
    const NAME: &'static str;

    /// Makes a lock object, if that is what guards the value.
    ///
    /// # Errors
    /// If there is no memory.
    fn lock() -> Result<Option<RLock>> {
        Ok(None)
    }

    /// How a value is made.
    fn options<T: Payload>() -> Options<Synchronized<T>> {
        Synchronized::options()
    }
}

/// The lock that values have if nothing else is said.
pub struct Native;

impl Variety for Native {
    const NAME: &'static str = "shared-value";
}

/// A pthread mutex.
pub struct Pthread;

impl Variety for Pthread {
    const NAME: &'static str = "shared-value, LockKind::Pthread";

    fn options<T: Payload>() -> Options<Synchronized<T>> {
        Synchronized::options().lock_kind(LockKind::Pthread)
    }
}

/// A lock object, which could guard others too.
pub struct UnderRLock;

impl Variety for UnderRLock {
    const NAME: &'static str = "shared-value under an RLock";

    fn lock() -> Result<Option<RLock>> {
        Ok(Some(RLock::new()?))
    }
}

impl<T: Payload, V: Variety> Own<T, V> {
    /// The handle.
    pub fn value(&self) -> &Synchronized<T> {
        &self.value
    }

    fn options(lock: Option<&RLock>) -> Options<Synchronized<T>> {
        match lock {
            Some(lock) => V::options().lock(lock),
            None => V::options(),
        }
    }
}

impl<T: Payload, V: Variety> Subject<T> for Own<T, V> {
    const NAME: &'static str = V::NAME;

    fn create(value: T) -> Result<Self> {
        let lock = V::lock()?;
        let value = Self::options(lock.as_ref()).new(value)?;
        Ok(Self { value, lock, variety: PhantomData })
    }

    #[inline(always)]
    fn increment(&self) {
        T::increment(&self.value).expect("nobody else breaks the lock");
    }

    #[inline(always)]
    fn step(&self) {
        self.value.update(T::step).expect("nobody else breaks the lock");
    }

    #[inline(always)]
    fn write(&self, value: T) {
        self.value.set(value).expect("nobody else breaks the lock");
    }

    #[inline(always)]
    fn read(&self) -> T {
        self.value.get()
    }

    #[inline(always)]
    fn count(&self) -> u64 {
        T::count_of(&self.value)
    }

    #[inline(always)]
    fn hold<R>(&self, work: impl FnOnce() -> R) -> R {
        let _guard = self.value.lock().expect("nobody else breaks the lock");
        work()
    }

    fn retries() -> Option<u64> {
        Some(shared_value::__private::retries())
    }
}

impl<T: Payload, V: Variety> Handover for Own<T, V> {
    fn token(&self) -> Result<String> {
        let lock = self.lock.as_ref().map(RLock::token).transpose()?;
        let lock = lock.map(|lock| lock.to_string()).unwrap_or_default();
        Ok(format!("{}|{lock}", self.value.token()?))
    }

    fn attach(token: &str) -> Result<Self> {
        let (value, lock) = token.split_once('|').context("a token of two parts")?;
        let lock = (!lock.is_empty()).then(|| RLock::open(Source::token(lock))).transpose()?;
        let value = Self::options(lock.as_ref()).open(Source::token(value))?;
        Ok(Self { value, lock, variety: PhantomData })
    }
}
