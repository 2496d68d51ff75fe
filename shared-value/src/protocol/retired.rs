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

/// Ends *pending* with this number of names. Returns what the word says then: a thread that unlinks the name ends *pending* first,
/// and the loss of the name is not a replacement then.
pub(crate) fn settle(retired: &AtomicU64, links: u32, to: Standing) -> Standing {
    let pending = Standing::Pending { links }.to_word();
    match retired.compare_exchange(pending, to.to_word(), Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => to,
        Err(now) => Standing::of_word(now),
    }
}

/// Notes that the name was unlinked, unless the word says more.
pub(crate) fn set_unlinked(retired: &AtomicU64) {
    let (from, to) = (Standing::InPlace.to_word(), Standing::Unlinked.to_word());
    let _ = retired.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// The next owner of the lock looks at the name after it has seen *pending*. Meanwhile the name may have been unlinked: then
    /// the value was not replaced, and goes on.
    #[test]
    fn a_name_that_is_unlinked_meanwhile_is_not_replaced() {
        let word = AtomicU64::new(Standing::Pending { links: 1 }.to_word());
        assert_eq!(settle(&word, 1, Standing::InPlace), Standing::InPlace);
        set_unlinked(&word);
        assert_eq!(settle(&word, 1, Standing::Replaced), Standing::Unlinked);
        assert_eq!(settle(&word, 1, Standing::InPlace), Standing::Unlinked);
        assert_eq!(standing(&word), Standing::Unlinked);
    }
}
