//! `MemorySeen`: how much memory the file of a segment has, as the kernel counts it.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The number of bytes that may be in use without a look at the file.
const SMALL: usize = 1 << 16;

/// The number of bytes of memory that the file had at the last look.
#[derive(Debug)]
pub(super) struct MemorySeen(AtomicUsize);

impl Default for MemorySeen {
    fn default() -> Self {
        Self(AtomicUsize::new(SMALL))
    }
}

impl MemorySeen {
    /// Returns whether the file had memory for this number of bytes at the last look.
    #[inline]
    pub(super) fn is_enough_for(&self, bytes: usize) -> bool {
        bytes <= self.0.load(Relaxed)
    }

    /// Notes that the file has memory for this number of bytes.
    pub(super) fn note(&self, bytes: usize) {
        self.0.fetch_max(bytes, Relaxed);
    }
}
