//! `LockState`: who holds a lock.

use crate::lock::line::LockLine;
use crate::lock::thread::holds;
use crate::protocol::lock_word;

/// The state of a lock at one moment.
///
/// ```
/// use shared_value::{LockState, Synchronized};
///
/// let value = Synchronized::new(0_u64)?;
/// assert_eq!(value.lock_state(), LockState::Free);
/// let guard = value.lock()?;
/// assert_eq!(value.lock_state(), LockState::HeldHere);
/// # drop(guard);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockState {
    /// No thread holds it.
    Free,
    /// The calling thread holds it.
    HeldHere,
    /// Another thread, of this or another process, holds it.
    Held {
        /// The kernel's id of that thread, in its own PID namespace.
        thread_id: u32,
    },
    /// Another value has [replaced](crate::Synchronized::replace) this one: no thread can take the lock again.
    Retired,
    /// The state is not known, because a read-only handle cannot see the lock object that guards the value.
    Unknown,
}

/// Returns the state of the lock at this moment. It may have changed before the caller uses it.
pub(crate) fn state(line: &LockLine) -> LockState {
    if holds(line) {
        return LockState::HeldHere;
    }
    if lock_word::is_retired(&line.word) {
        return LockState::Retired;
    }
    lock_word::owner(&line.word).map_or(LockState::Free, |thread_id| LockState::Held { thread_id })
}
