//! The word *retired* of a segment's header: whether the name of the segment leads to it.
//!
//! | bits | meaning |
//! |---|---|
//! | 0-1 | the standing: 0 in place, 1 unlinked, 2 replaced, 3 pending |
//! | 32-63 | pending: the number of the file's names before |
//!
//! *Pending* says that the owner of the lock is about to give the name to another segment, or died in the middle. The name alone
//! tells whether that has happened, because the kernel changes it in one step. So a thread that takes the lock over from a dead owner
//! looks at the name. The owner of the lock writes all of these states but *unlinked*.

use crate::protocol::atomics::{AtomicU64, Ordering};

/// The standing of a segment, in the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing was done to the name by this library.
    InPlace,
    /// The name was unlinked.
    Unlinked,
    /// Another segment has taken the place of this one.
    Replaced,
    /// Another segment may have taken the place of this one.
    Pending {
        /// The number of names of the file before.
        links: u32,
    },
}

impl Standing {
    fn to_word(self) -> u64 {
        match self {
            Self::InPlace => 0,
            Self::Unlinked => 1,
            Self::Replaced => 2,
            Self::Pending { links } => 3 | u64::from(links) << 32,
        }
    }

    pub(crate) fn of_word(word: u64) -> Self {
        match word & 3 {
            0 => Self::InPlace,
            1 => Self::Unlinked,
            2 => Self::Replaced,
            _ => Self::Pending { links: (word >> 32) as u32 },
        }
    }
}

/// Returns what the word says.
pub(crate) fn standing(retired: &AtomicU64) -> Standing {
    // Relaxed: the lock word orders the accesses of its owners, and the retired lock word those of others.
    Standing::of_word(retired.load(Ordering::Relaxed))
}

/// Sets the word. For the owner of the lock, or while no process uses the segment.
pub(crate) fn set(retired: &AtomicU64, standing: Standing) {
    retired.store(standing.to_word(), Ordering::Relaxed);
}

/// Notes that the name was unlinked, unless the word says more.
pub(crate) fn set_unlinked(retired: &AtomicU64) {
    let (from, to) = (Standing::InPlace.to_word(), Standing::Unlinked.to_word());
    let _ = retired.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
}
