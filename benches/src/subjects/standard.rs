//! The standard library's mutex, which works in one process only.

use std::sync::Mutex;

use anyhow::Result;

use crate::subjects::locked::Locked;

/// A value under the standard library's mutex.
pub struct Lock<T>(Mutex<T>);

impl<T: 'static> Locked<T> for Lock<T> {
    const NAME: &'static str = "std::sync::Mutex";

    fn create(value: T) -> Result<Self> {
        Ok(Self(Mutex::new(value)))
    }

    #[inline(always)]
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.lock().expect("no holder panics"))
    }
}
