//! `Atomic`: a word without a lock, the fastest that the processor allows.

use std::sync::atomic::Ordering::Relaxed;

use anyhow::Result;

use crate::subjects::handover::Handover;
use crate::subjects::region::Region;
use crate::subjects::subject::Subject;

/// An atomic word in shared memory.
pub struct Atomic(Region);

impl Subject<u64> for Atomic {
    const NAME: &'static str = "AtomicU64";

    fn create(value: u64) -> Result<Self> {
        let region = Region::new(8)?;
        region.word(0).store(value, Relaxed);
        Ok(Self(region))
    }

    #[inline(always)]
    fn increment(&self) {
        self.0.word(0).fetch_add(1, Relaxed);
    }

    #[inline(always)]
    fn step(&self) {
        self.increment();
    }

    #[inline(always)]
    fn write(&self, value: u64) {
        self.0.word(0).store(value, Relaxed);
    }

    #[inline(always)]
    fn read(&self) -> u64 {
        self.0.word(0).load(Relaxed)
    }

    #[inline(always)]
    fn count(&self) -> u64 {
        self.read()
    }

    fn hold<R>(&self, work: impl FnOnce() -> R) -> R {
        work()
    }
}

impl Handover for Atomic {
    fn token(&self) -> Result<String> {
        self.0.token()
    }

    fn attach(token: &str) -> Result<Self> {
        Region::attach(token).map(Self)
    }
}
