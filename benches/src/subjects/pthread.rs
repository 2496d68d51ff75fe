//! The C library's mutexes, between processes, with the value behind them.
#![allow(unsafe_code)]

use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use anyhow::Result;
use libc::{c_int, pthread_mutex_t};

use crate::handover::Handover;
use crate::region::Region;
use crate::subject::Locked;

/// Where the value lies: where a C program has it in a struct of both.
const VALUE: usize = size_of::<pthread_mutex_t>();

/// A value behind a mutex of some kind.
pub struct Lock<K> {
    region: Region,
    kind: PhantomData<K>,
}

/// What kind of mutex it is.
pub trait Kind: 'static {
    /// What its values are called.
    const NAME: &'static str;
    /// `PTHREAD_MUTEX_NORMAL` or `PTHREAD_MUTEX_RECURSIVE`.
    const TYPE: c_int;
    /// Whether the next one gets it when its owner dies.
    const IS_ROBUST: bool = false;
}

/// The plainest.
pub struct Normal;

impl Kind for Normal {
    const NAME: &'static str = "pthread normal";
    const TYPE: c_int = libc::PTHREAD_MUTEX_NORMAL;
}

/// One that a thread may take again.
pub struct Recursive;

impl Kind for Recursive {
    const NAME: &'static str = "pthread recursive";
    const TYPE: c_int = libc::PTHREAD_MUTEX_RECURSIVE;
}

/// The same, that survives its owner.
pub struct Robust;

impl Kind for Robust {
    const NAME: &'static str = "pthread robust recursive";
    const TYPE: c_int = libc::PTHREAD_MUTEX_RECURSIVE;
    const IS_ROBUST: bool = true;
}

impl<K: Kind> Lock<K> {
    fn initialize(&self) -> Result<()> {
        let mut attributes = MaybeUninit::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: a local to write to.
        check(unsafe { libc::pthread_mutexattr_init(attributes) })?;
        // SAFETY: the attributes are initialized, here and below.
        check(unsafe { libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED) })?;
        // SAFETY: as above.
        check(unsafe { libc::pthread_mutexattr_settype(attributes, K::TYPE) })?;
        if K::IS_ROBUST {
            // SAFETY: as above.
            check(unsafe { libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST) })?;
        }
        // SAFETY: the region has room for a mutex at its start, and nobody else has the region yet.
        check(unsafe { libc::pthread_mutex_init(self.region.at(0), attributes) })?;
        Ok(())
    }
}

impl<T: 'static, K: Kind> Locked<T> for Lock<K> {
    const NAME: &'static str = K::NAME;

    fn create(value: T) -> Result<Self> {
        let created = Self { region: Region::new(VALUE + size_of::<T>())?, kind: PhantomData };
        created.initialize()?;
        // SAFETY: the region has room for it there, and nobody else has the region yet.
        unsafe { created.region.at::<T>(VALUE).write(value) };
        Ok(created)
    }

    #[inline(always)]
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let mutex = self.region.at(0);
        // SAFETY: `create` has initialized it.
        let locked = unsafe { libc::pthread_mutex_lock(mutex) };
        if locked == libc::EOWNERDEAD {
            // SAFETY: this thread has the mutex.
            unsafe { libc::pthread_mutex_consistent(mutex) };
        } else {
            assert_eq!(locked, 0, "pthread_mutex_lock");
        }
        // SAFETY: `create` put it there, and who has the mutex has the value alone.
        let result = work(unsafe { &mut *self.region.at(VALUE) });
        // SAFETY: this thread has the mutex.
        unsafe { libc::pthread_mutex_unlock(mutex) };
        result
    }
}

impl<K: Kind> Handover for Lock<K> {
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
