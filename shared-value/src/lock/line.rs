//! `LockLine`: the words of a lock, as they lie in shared memory.

use crate::protocol::atomics::{AtomicU64, Ordering};
use crate::sys::robust::NODE_OFFSET;

/// The 40 bytes of a lock. All zeros are a free lock.
///
/// ```text
///  0  word        says which thread holds the lock; see `protocol/lock_word.rs`. The kernel accesses bytes 0 to 3
///  8  recoveries  how often the lock was taken over from a dead owner
/// 16  (spare)
/// 24  previous    the entry before this one in the owner's robust list: the C library writes it, and it is never read
/// 32  next        the entry after this one. Its address is the lock's node, which the kernel knows
/// ```
/// `word`, `previous` and `next` lie as in glibc's `pthread_mutex_t`, so that one robust list can hold both.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct LockLine {
    pub(super) word: AtomicU64,
    pub(super) recoveries: AtomicU64,
    spare: AtomicU64,
    previous: AtomicU64,
    pub(super) next: AtomicU64,
}

const _: () = {
    assert!(size_of::<LockLine>() == 40);
    assert!(core::mem::offset_of!(LockLine, word) + NODE_OFFSET == core::mem::offset_of!(LockLine, next));
    assert!(core::mem::offset_of!(LockLine, previous) + 8 == core::mem::offset_of!(LockLine, next));
};

impl LockLine {
    /// Returns the address that represents this lock in a robust list.
    #[inline(always)]
    pub(super) fn node(&self) -> u64 {
        Self::node_of(self)
    }

    /// Returns the address that represents the lock at `line` in a robust list.
    #[inline(always)]
    pub(super) fn node_of(line: *const Self) -> u64 {
        (line.expose_provenance() + NODE_OFFSET) as u64
    }

    /// Returns how often the lock was taken over from a dead owner.
    pub(crate) fn recoveries(&self) -> u64 {
        self.recoveries.load(Ordering::Relaxed)
    }
}
