//! `Heap`: the words of an arena behind its directory.

use std::io;
use std::ops::Range;

use crate::heap::decision::Decision;
use crate::protocol::atomics::AtomicU64;
use crate::segment::{Layout, Mapping, Search};
use crate::sys::memory;

/// The memory of one arena.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heap<'a> {
    mapping: &'a Mapping,
}

impl<'a> Heap<'a> {
    #[inline(always)]
    pub(crate) fn of(mapping: &'a Mapping) -> Self {
        Self { mapping }
    }

    /// Returns where the first block starts.
    #[inline(always)]
    pub(crate) fn start(self) -> usize {
        self.mapping.behind_cell()
    }

    pub(crate) fn end_of_segment(self) -> usize {
        self.mapping.length()
    }

    /// Returns `count` words from an offset on, if they lie behind the directory.
    #[inline(always)]
    pub(crate) fn words(self, offset: usize, count: usize) -> Option<&'a [AtomicU64]> {
        self.mapping.words(offset, count).filter(|_| offset >= self.start())
    }

    /// Returns the word at an offset, if it lies behind the directory.
    #[inline(always)]
    pub(crate) fn word(self, offset: usize) -> Option<&'a AtomicU64> {
        self.words(offset, 1)?.first()
    }

    /// Returns where the claims lie; `None` if this process has not begun to claim.
    pub(crate) fn layout_of_claims(self) -> Option<Layout> {
        self.mapping.layout_of_claims()
    }

    /// Begins a search for claims, which may ask for `asks` processes.
    pub(crate) fn search(self, asks: usize) -> Option<Search<'a>> {
        Search::new(self.mapping, asks)
    }

    /// Returns the words that decide about pending changes.
    pub(crate) fn decision(self) -> Option<Decision<'a>> {
        Decision::of(self.mapping)
    }

    /// Reserves memory from `start` up to `ahead` if that can be had, and up to `needed` in any case. Returns the end.
    ///
    /// An arena without a name needs no reservation, and so its zeros take no memory before they are written.
    pub(crate) fn reserve(self, start: u64, needed: u64, ahead: u64) -> io::Result<u64> {
        let file = self.mapping.file()?;
        if memory::comes_with_writes(file) { Ok(ahead) } else { memory::reserve(file, start, needed, ahead) }
    }

    /// Gives the memory of large parts back to the system: it reads as zeros, and comes back with the first write. Returns
    /// the pages that were given back.
    pub(super) fn give_back(self, part: Range<usize>) -> Range<usize> {
        const LARGE: usize = 1 << 20;
        // No system has larger pages, apart from huge ones.
        const PAGE: usize = 64 << 10;
        let none = part.end..part.end;
        if part.len() < LARGE {
            return none;
        }
        let pages = part.start.next_multiple_of(PAGE)..part.end / PAGE * PAGE;
        let Ok(file) = self.mapping.file() else { return none };
        let is_done =
            memory::comes_with_writes(file) && memory::give_back(file, pages.start as u64..pages.end as u64).is_ok();
        if is_done { pages } else { none }
    }
}
