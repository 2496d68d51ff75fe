//! `Own`: values of this library, under each kind of lock.

use std::marker::PhantomData;

use anyhow::{Context, Result};
use shared_value::{LockKind, Options, RLock, SharedValue, Source, Synchronized};

use crate::subjects::handover::Handover;
use crate::subjects::payload::Payload;
use crate::subjects::subject::Subject;

/// A value of this library, under a chosen lock.
pub struct Own<T: SharedValue, L> {
    value: Synchronized<T>,
    /// The lock object that guards the value, if one does.
    lock: Option<RLock>,
    choice: PhantomData<L>,
}

/// A choice among the locks of this library.
pub trait LockChoice: 'static {
    /// The name of the contestants that use it.
    const NAME: &'static str;

    /// Creates the lock object that will guard the value, if one will.
    ///
    /// # Errors
    /// If there is no memory.
    fn lock() -> Result<Option<RLock>> {
        Ok(None)
    }

    /// Returns the options of the value.
    fn options<T: SharedValue>() -> Options<Synchronized<T>> {
        Synchronized::options()
    }
}

/// The default: the library's own lock, beside the value.
pub struct Native;

impl LockChoice for Native {
    const NAME: &'static str = "shared-value";
}

/// A pthread mutex beside the value.
pub struct Pthread;

impl LockChoice for Pthread {
    const NAME: &'static str = "shared-value, LockKind::Pthread";

    fn options<T: SharedValue>() -> Options<Synchronized<T>> {
        Synchronized::options().lock_kind(LockKind::Pthread)
    }
}

/// A lock object, which could guard other values too.
pub struct UnderRLock;

impl LockChoice for UnderRLock {
    const NAME: &'static str = "shared-value under an RLock";

    fn lock() -> Result<Option<RLock>> {
        Ok(Some(RLock::new()?))
    }
}

impl<T: SharedValue, L: LockChoice> Own<T, L> {
    fn options(lock: Option<&RLock>) -> Options<Synchronized<T>> {
        match lock {
            Some(lock) => L::options().lock(lock),
            None => L::options(),
        }
    }
}

impl<T: Payload, L: LockChoice> Subject<T> for Own<T, L> {
    const NAME: &'static str = L::NAME;

    fn create(value: T) -> Result<Self> {
        let lock = L::lock()?;
        let value = Self::options(lock.as_ref()).new(value)?;
        Ok(Self { value, lock, choice: PhantomData })
    }

    #[inline(always)]
    fn increment(&self) {
        T::increment(&self.value).expect("an intact lock");
    }

    #[inline(always)]
    fn step(&self) {
        self.value.update(T::step).expect("an intact lock");
    }

    #[inline(always)]
    fn write(&self, value: T) {
        self.value.set(value).expect("an intact lock");
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
        let _guard = self.value.lock().expect("an intact lock");
        work()
    }

    fn retries() -> Option<u64> {
        Some(shared_value::__private::retries())
    }
}

impl<T: Payload, L: LockChoice> Handover for Own<T, L> {
    fn token(&self) -> Result<String> {
        let lock = self.lock.as_ref().map(RLock::token).transpose()?;
        Ok(format!("{}|{}", self.value.token()?, lock.map_or_else(String::new, |lock| lock.to_string())))
    }

    fn attach(token: &str) -> Result<Self> {
        let (value, lock) = token.split_once('|').context("a token of two parts")?;
        let lock = (!lock.is_empty()).then(|| RLock::open(Source::token(lock))).transpose()?;
        let value = Self::options(lock.as_ref()).open(Source::token(value))?;
        Ok(Self { value, lock, choice: PhantomData })
    }
}
