//! The word *unvouched*: whether a process takes locks of a segment although nothing vouches for it. Then no owner of a lock
//! in the segment may be taken for gone, because it may be that process.
//!
//! A process sets the word before it takes its first lock. A waiter looks at the word after it has seen an owner in a lock
//! word. If the owner set it, the waiter sees that.

use crate::protocol::atomics::{AtomicU64, Ordering, fence};

/// Sets the word. The caller takes locks afterwards.
pub(crate) fn set(unvouched: &AtomicU64) {
    unvouched.store(1, Ordering::Relaxed);
    // Release: a process that sees a lock word which this one writes later sees the store above too.
    fence(Ordering::Release);
}

/// Returns whether the word is set. The caller has loaded a lock word before.
pub(crate) fn is_set(unvouched: &AtomicU64) -> bool {
    // Acquire: pairs with the fence in `set`.
    fence(Ordering::Acquire);
    unvouched.load(Ordering::Relaxed) != 0
}

/// Clears the word, while no process uses the segment.
pub(crate) fn clear(unvouched: &AtomicU64) {
    unvouched.store(0, Ordering::Relaxed);
}
