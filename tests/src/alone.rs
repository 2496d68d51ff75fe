//! `alone`: tests of one program that run one after the other.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits until no other test of the program that calls this runs. A child that a test forks has a part in everything that other
/// tests have open at that moment.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
