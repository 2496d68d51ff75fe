//! `RequiredLock`: what guards the values of a segment, as its header records it.

use crate::error::Error;
use crate::format::Invalid;

/// What guards the values of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequiredLock {
    /// Nothing: their words are read and written as they are.
    None,
    /// The native lock in the control line of each.
    Native,
    /// A robust `pthread_mutex_t` behind the cell of each.
    Pthread,
    /// Nothing else: it is a lock object.
    Itself,
    /// The lock object that has this identity.
    Object { identity: u64 },
}

impl RequiredLock {
    /// The number of the kind.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Native => 1,
            Self::Pthread => 2,
            Self::Object { .. } => 3,
            Self::Itself => 4,
        }
    }

    /// The error of a segment that needs this, and was to be used with something else.
    pub(crate) fn mismatch(self, name: &str, expected: Self) -> Error {
        let told = |lock| match lock {
            Self::None => "none (`Unlocked`)".to_owned(),
            Self::Itself => "a lock object".to_owned(),
            Self::Native => "a lock of its own".to_owned(),
            Self::Pthread => "a pthread mutex (which is trusted only if `Options::lock_kind` says so)".to_owned(),
            Self::Object { identity } => {
                format!("lock object {identity:016x} (open that one first, and give it by `Options::lock`)")
            }
        };
        Invalid::new("lock", told(expected), told(self)).of(name)
    }
}
