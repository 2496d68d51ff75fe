//! `Subject`: a value that is read and changed, of this library or another.

use anyhow::Result;

/// A value behind a lock, or one that needs no lock.
pub trait Subject<T>: Sized + 'static {
    /// The name of the contestants that use it.
    const NAME: &'static str;

    /// Creates one.
    ///
    /// # Errors
    /// If this machine cannot create one.
    fn create(value: T) -> Result<Self>;

    /// Adds one to the first word of the value.
    fn increment(&self);

    /// Adds one to every word of the value, in one change.
    fn step(&self);

    /// Replaces the value.
    fn write(&self, value: T);

    /// Copies the value.
    fn read(&self) -> T;

    /// Copies the first word of the value.
    fn count(&self) -> u64;

    /// Calls a function under the lock.
    fn hold<R>(&self, work: impl FnOnce() -> R) -> R;

    /// Returns how often this thread had to copy again because of a write, if the subject does that and counts it.
    fn retries() -> Option<u64> {
        None
    }
}
