//! The C library's mutexes, shared between processes, with the value behind them.
#![allow(unsafe_code)]

use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::atomic::{Ordering, fence};

use anyhow::Result;
use libc::{c_int, pthread_mutex_t};

use crate::subjects::handover::Handover;
use crate::subjects::locked::Locked;
use crate::subjects::region::Region;

/// The offset of the value, as in a C struct of a mutex and a value.
const VALUE: usize = size_of::<pthread_mutex_t>();

/// A value behind a mutex of a given kind.
pub struct Lock<K> {
    region: Region,
    kind: PhantomData<K>,
}

/// A kind of mutex.
pub trait MutexKind: 'static {
    /// The name of the contestants that use it.
    const NAME: &'static str;
    /// `PTHREAD_MUTEX_NORMAL` or `PTHREAD_MUTEX_RECURSIVE`.
    const TYPE: c_int;
    /// Whether the next waiter gets the mutex when its owner dies.
    const IS_ROBUST: bool = false;
    /// Whether the owner then looks for threads that wait for a change. It must not look before others can take the mutex.
    const LOOKS_FOR_WAITERS: bool = false;
}

/// The plainest mutex.
pub struct Normal;

impl MutexKind for Normal {
    const NAME: &'static str = "pthread normal";
    const TYPE: c_int = libc::PTHREAD_MUTEX_NORMAL;
}

/// A mutex that its owner may take again.
pub struct Recursive;

impl MutexKind for Recursive {
    const NAME: &'static str = "pthread recursive";
    const TYPE: c_int = libc::PTHREAD_MUTEX_RECURSIVE;
}

/// A recursive mutex that survives its owner.
pub struct Robust;

impl MutexKind for Robust {
    const NAME: &'static str = "pthread robust recursive";
    const TYPE: c_int = libc::PTHREAD_MUTEX_RECURSIVE;
    const IS_ROBUST: bool = true;
}

/// A robust mutex whose owner looks for threads that wait for a change: what a value with such a mutex takes at least.
pub struct Watched;

impl MutexKind for Watched {
    const NAME: &'static str = "pthread robust recursive, and a fence";
    const TYPE: c_int = libc::PTHREAD_MUTEX_RECURSIVE;
    const IS_ROBUST: bool = true;
    const LOOKS_FOR_WAITERS: bool = true;
}

impl<K: MutexKind> Lock<K> {
    fn initialize(&self) -> Result<()> {
        let mut attributes = MaybeUninit::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: the pointer leads to a local, which is large enough for attributes and may be written.
        check(unsafe { libc::pthread_mutexattr_init(attributes) })?;
        // SAFETY: the attributes were initialized above.
        check(unsafe { libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED) })?;
        // SAFETY: the attributes were initialized above.
        check(unsafe { libc::pthread_mutexattr_settype(attributes, K::TYPE) })?;
        if K::IS_ROBUST {
            // SAFETY: the attributes were initialized above.
            check(unsafe { libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST) })?;
        }
        // SAFETY: `at` has checked that the region has room for a mutex at its start, and no other thread or process has the
        // region yet. The attributes were initialized above.
        check(unsafe { libc::pthread_mutex_init(self.region.at(0), attributes) })?;
        Ok(())
    }

    #[inline(always)]
    fn hold_mutex<R>(&self, work: impl FnOnce() -> R) -> R {
        let mutex = self.region.at(0);
        // SAFETY: `create` has initialized the mutex, and the region lives as long as `self`.
        let locked = unsafe { libc::pthread_mutex_lock(mutex) };
        if locked == libc::EOWNERDEAD {
            // SAFETY: this thread owns the mutex.
            unsafe { libc::pthread_mutex_consistent(mutex) };
        } else {
            assert_eq!(locked, 0, "pthread_mutex_lock");
        }
        let result = work();
        // SAFETY: this thread owns the mutex.
        unsafe { libc::pthread_mutex_unlock(mutex) };
        if K::LOOKS_FOR_WAITERS {
            fence(Ordering::SeqCst);
        }
        result
    }
}

impl<T: 'static, K: MutexKind> Locked<T> for Lock<K> {
    const NAME: &'static str = K::NAME;

    fn create(value: T) -> Result<Self> {
        let created = Self { region: Region::new(VALUE + size_of::<T>())?, kind: PhantomData };
        created.initialize()?;
        // SAFETY: `at` has checked that the region has room for a `T` there, and no other thread or process has the region yet.
        unsafe { created.region.at::<T>(VALUE).write(value) };
        Ok(created)
    }

    #[inline(always)]
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        self.hold_mutex(|| {
            // SAFETY: `create` has written the value, and while this thread owns the mutex no other accesses the value.
            // This thread makes no second reference either: `work` knows the value only, and not the lock.
            work(unsafe { &mut *self.region.at(VALUE) })
        })
    }

    #[inline(always)]
    fn hold<R>(&self, work: impl FnOnce() -> R) -> R {
        self.hold_mutex(work)
    }
}

impl<K: MutexKind> Handover for Lock<K> {
    fn token(&self) -> Result<String> {
        self.region.token()
    }

    fn attach(token: &str) -> Result<Self> {
        Ok(Self { region: Region::attach(token)?, kind: PhantomData })
    }
}

fn check(code: c_int) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}
