//! `raw_sync`'s mutex, with the value behind it.
#![allow(unsafe_code)]

use anyhow::{Result, anyhow};
use raw_sync::locks::{LockImpl, LockInit, Mutex};

use crate::handover::Handover;
use crate::region::Region;
use crate::subject::Locked;

/// Where the value lies: behind the mutex, which takes 40 bytes and some to align it.
const VALUE: usize = 48;

/// A value under the guard of `raw_sync`.
pub struct Lock {
    lock: Box<dyn LockImpl>,
    region: Region,
}

impl Lock {
    fn of(region: Region, create: bool) -> Result<Self> {
        let (at, value) = (region.at::<u8>(0), region.at::<u8>(VALUE));
        // SAFETY: a mutex has room there, and nobody else has the region yet if it is to be made.
        let made = if create { unsafe { Mutex::new(at, value) } } else { unsafe { Mutex::from_existing(at, value) } };
        let (lock, length) = made.map_err(|error| anyhow!("{error}"))?;
        assert!(length <= VALUE, "raw_sync's mutex takes {length} bytes");
        Ok(Self { lock, region })
    }
}

impl<T: 'static> Locked<T> for Lock {
    const NAME: &'static str = "raw_sync";

    fn create(value: T) -> Result<Self> {
        let raw = Self::of(Region::new(VALUE + size_of::<T>())?, true)?;
        // SAFETY: the region has room for it there, and nobody else has the region yet.
        unsafe { raw.region.at::<T>(VALUE).write(value) };
        Ok(raw)
    }

    #[inline(always)]
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let guard = self.lock.lock().expect("raw_sync's mutex");
        // SAFETY: `create` put it there, and who has the guard has the value alone.
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
