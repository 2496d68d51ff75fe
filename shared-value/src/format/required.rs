//! `RequiredLock`: what guards the values of a segment, as its header records it.

use crate::error::Error;
use crate::format::Invalid;
use crate::sys::mutex;
use crate::sys::robust::NODE_OFFSET;

#[expect(clippy::cast_possible_truncation, reason = "it is 32")]
const NATIVE_ABI: u32 = NODE_OFFSET as u32;

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

    /// What has this number, or `None`.
    pub(super) fn from_number(number: u32, identity: u64) -> Option<Self> {
        [Self::None, Self::Native, Self::Pthread, Self::Object { identity }, Self::Itself]
            .into_iter()
            .find(|lock| lock.number() == number)
    }

    /// What else two programs must agree on to use the lock. With another distance, the kernel would mark the wrong word when
    /// an owner dies; a mutex of another C library would be misread by this one.
    pub(super) fn abi(self) -> u32 {
        if self == Self::Pthread { mutex::ABI } else { NATIVE_ABI }
    }

    /// The identity of the lock object that it is, or zero.
    pub(super) fn identity(self) -> u64 {
        if let Self::Object { identity } = self { identity } else { 0 }
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
