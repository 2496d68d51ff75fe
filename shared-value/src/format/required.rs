//! `RequiredLock`: the lock that guards the values of a segment, as its header records it.

use crate::error::Error;
use crate::format::Invalid;
use crate::sys::mutex;
use crate::sys::robust::NODE_OFFSET;

#[expect(clippy::cast_possible_truncation, reason = "the distance is 32")]
const NATIVE_ABI: u32 = NODE_OFFSET as u32;

/// The lock that guards the values of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequiredLock {
    /// No lock: the words are read and written in place.
    None,
    /// The native lock in the control line of each cell.
    Native,
    /// A robust `pthread_mutex_t` after each cell.
    Pthread,
    /// The segment is a lock object itself.
    Itself,
    /// The lock object with this identity.
    Object { identity: u64 },
}

impl RequiredLock {
    /// Returns the number that the header stores for this kind.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Native => 1,
            Self::Pthread => 2,
            Self::Object { .. } => 3,
            Self::Itself => 4,
        }
    }

    /// Returns the lock of the kind that has this number; `None` if there is no such kind.
    pub(super) fn from_number(number: u32, identity: u64) -> Option<Self> {
        [Self::None, Self::Native, Self::Pthread, Self::Object { identity }, Self::Itself]
            .into_iter()
            .find(|lock| lock.number() == number)
    }

    /// Returns a number that must be equal in all programs that use the lock. If the distance from the lock word to the node
    /// were different, the kernel would mark the wrong word when an owner dies. And a C library misreads the mutex of
    /// another C library.
    pub(super) fn abi(self) -> u32 {
        if self == Self::Pthread { mutex::ABI } else { NATIVE_ABI }
    }

    /// Returns whether it is a lock that belongs to the value alone.
    pub(super) fn is_own(self) -> bool {
        matches!(self, Self::Native | Self::Pthread)
    }

    /// Returns the identity of the lock object, or zero for other locks.
    pub(super) fn identity(self) -> u64 {
        if let Self::Object { identity } = self { identity } else { 0 }
    }

    /// Returns the error for a segment that needs this lock, if the program expected another one.
    pub(crate) fn mismatch(self, name: &str, expected: Self) -> Error {
        let told = |lock| match lock {
            Self::None => "none (`Unlocked`)".to_owned(),
            Self::Itself => "a lock object".to_owned(),
            Self::Native => "a lock of its own".to_owned(),
            Self::Pthread if mutex::IS_SUPPORTED => {
                "a pthread mutex (which opens only with `Options::lock_kind(LockKind::Pthread)`)".to_owned()
            }
            Self::Pthread => {
                "a pthread mutex (which this program can use only if it is built with the feature `pthread` \
                              of the crate `shared-value`, and asks for `LockKind::Pthread`)"
                    .to_owned()
            }
            Self::Object { identity } => {
                format!("lock object {identity:016x} (open that one first, and give it by `Options::lock`)")
            }
        };
        Invalid::new("lock", told(expected), told(self)).of(name)
    }
}
