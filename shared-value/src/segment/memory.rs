//! `MemorySeen`: how much memory the file of a segment has, as the kernel counts it.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::error::Error;
use crate::protocol::atomics::AtomicU64;
use crate::segment::mapping::Mapping;
use crate::sys;

const WORD: usize = size_of::<u64>();

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

impl Mapping {
    /// Returns whether this number of bytes of the segment can be in use. The kernel counts the memory of a file, and no process
    /// can write that number. Returns `true` if it is not known.
    #[inline]
    pub(crate) fn has_memory_for(&self, bytes: usize) -> bool {
        bytes <= self.memory_seen.0.load(Relaxed) || bytes <= self.look_at_memory()
    }

    /// Notes that the file has memory for this number of bytes.
    pub(crate) fn note_memory(&self, bytes: usize) {
        self.memory_seen.0.fetch_max(bytes, Relaxed);
    }

    #[cold]
    fn look_at_memory(&self) -> usize {
        let allocated = self.known_file().and_then(sys::memory::allocated).unwrap_or(u64::MAX);
        let allocated = usize::try_from(allocated).unwrap_or(usize::MAX);
        self.note_memory(allocated);
        allocated
    }

    /// Calls the closure with the words of each part of these bytes of the segment that is no hole.
    pub(crate) fn for_each_data(&self, bytes: Range<usize>, mut see: impl FnMut(&[AtomicU64])) -> Result<(), Error> {
        let see = |data: Range<u64>| {
            let [start, end] = [data.start, data.end].map(|offset| usize::try_from(offset).unwrap_or(usize::MAX));
            let (start, end) = (start / WORD * WORD, end / WORD * WORD);
            see(self.words(start, (end - start) / WORD).unwrap_or_default());
        };
        let bytes = bytes.start as u64..bytes.end as u64;
        let seen = self.file().and_then(|file| sys::memory::for_each_data(file, bytes, see));
        seen.map_err(|error| Error::io(format!("look for the holes in `{}`", self.name()), error))
    }
}
