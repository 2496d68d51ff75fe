//! `parking_lot`'s mutex, which works in one process only.

use anyhow::Result;
use parking_lot::Mutex;

use crate::subjects::locked::Locked;

/// A value under `parking_lot`'s mutex.
pub struct Lock<T>(Mutex<T>);

impl<T: 'static> Locked<T> for Lock<T> {
    const NAME: &'static str = "parking_lot::Mutex";

    fn create(value: T) -> Result<Self> {
        Ok(Self(Mutex::new(value)))
    }

    #[inline(always)]
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.lock())
    }
}
