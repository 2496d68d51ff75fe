//! Which bytes of a segment have memory, as the kernel counts it.

use std::ops::Range;

use crate::error::Error;
use crate::protocol::atomics::AtomicU64;
use crate::segment::mapping::Mapping;
use crate::sys;

const WORD: usize = size_of::<u64>();

impl Mapping {
    /// Returns whether this number of bytes of the segment can be in use. The kernel counts the memory of a file, and no process
    /// can write that number. Returns `true` if it is not known.
    #[inline]
    pub(crate) fn has_memory_for(&self, bytes: usize) -> bool {
        self.memory_seen.is_enough_for(bytes) || bytes <= self.look_at_memory()
    }

    /// Notes that the file has memory for this number of bytes.
    pub(crate) fn note_memory(&self, bytes: usize) {
        self.memory_seen.note(bytes);
    }

    #[cold]
    fn look_at_memory(&self) -> usize {
        let allocated = self.known_file().and_then(sys::memory::allocated).unwrap_or(u64::MAX);
        let allocated = usize::try_from(allocated).unwrap_or(usize::MAX);
        self.note_memory(allocated);
        allocated
    }

    /// Calls the closure with the words of each part of these bytes of the segment that is not a hole.
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

    /// Reserves memory for the holes in a part of the segment.
    pub(crate) fn fill_holes(&self, part: Range<usize>) -> Result<(), Error> {
        let part = part.start as u64..part.end.min(self.length()) as u64;
        let filled = self.file().and_then(|file| sys::memory::fill_holes(file, part));
        filled.map_err(|error| Error::io(format!("reserve memory for the holes in `{}`", self.name()), error))
    }

    /// Loads pages for the holes in a part of the segment, so that reading them raises no SIGBUS: for a mapping that
    /// cannot reserve memory, because it only reads. Before Linux 5.14, it does nothing.
    pub(crate) fn load_holes(&self, part: Range<usize>) -> Result<(), Error> {
        let part = part.start as u64..part.end.min(self.length()) as u64;
        let load = |hole: Range<u64>| {
            let [start, end] = [hole.start, hole.end].map(|offset| usize::try_from(offset).unwrap_or(usize::MAX));
            self.load_pages(start..end)
        };
        let loaded = self.file().and_then(|file| sys::memory::load_holes(file, part, load));
        loaded.map_err(|error| Error::io(format!("get memory for the holes in `{}`", self.name()), error))
    }
}
