//! `raw_sync`'s mutex, shared between processes, with the value behind it.
#![allow(unsafe_code)]

use anyhow::{Result, anyhow};
use raw_sync::locks::{LockImpl, LockInit, Mutex};

use crate::subjects::handover::Handover;
use crate::subjects::locked::Locked;
use crate::subjects::region::Region;

/// The offset of the value: behind the mutex, which takes 40 bytes and some for its alignment.
const VALUE: usize = 48;

/// A value behind `raw_sync`'s mutex.
pub struct Lock {
    /// Points into the region, and is dropped before it.
    lock: Box<dyn LockImpl>,
    region: Region,
}

impl Lock {
    /// Uses the mutex in the region. `create` initializes the mutex first.
    fn of(region: Region, create: bool) -> Result<Self> {
        let (at, value) = (region.at::<u8>(0), region.at::<u8>(VALUE));
        let opened = if create {
            // SAFETY: the region has room for a mutex, and no other thread or process has the region yet.
            unsafe { Mutex::new(at, value) }
        } else {
            // SAFETY: the region was created by `create`, in a process that has initialized the mutex.
            unsafe { Mutex::from_existing(at, value) }
        };
        let (lock, length) = opened.map_err(|error| anyhow!("{error}"))?;
        assert!(length <= VALUE, "raw_sync's mutex takes {length} bytes");
        Ok(Self { lock, region })
    }
}

impl<T: 'static> Locked<T> for Lock {
    const NAME: &'static str = "raw_sync";

    fn create(value: T) -> Result<Self> {
        let created = Self::of(Region::new(VALUE + size_of::<T>())?, true)?;
        // SAFETY: `at` has checked that the region has room for a `T` there, and no other thread or process has the region yet.
        unsafe { created.region.at::<T>(VALUE).write(value) };
        Ok(created)
    }

    #[inline(always)]
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let guard = self.lock.lock().expect("raw_sync's mutex can be locked");
        // SAFETY: `create` has written the value. While the guard lives, no other thread or process accesses the value.
        work(unsafe { &mut *(*guard).cast() })
    }
}

impl Handover for Lock {
    fn token(&self) -> Result<String> {
        self.region.token()
    }

    fn attach(token: &str) -> Result<Self> {
        Self::of(Region::attach(token)?, false)
    }
}
