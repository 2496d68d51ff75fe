//! Which thread or process owns a lock.

use shared_value::{Error, LockError, Shared, Synchronized};

/// Returns whether another thread or process holds the lock of the value.
///
/// It takes the lock for a moment if it can.
pub fn held_elsewhere<C: Shared + ?Sized>(value: &Synchronized<C>) -> bool {
    matches!(value.try_lock(), Err(Error::Lock(LockError::WouldBlock)))
}
