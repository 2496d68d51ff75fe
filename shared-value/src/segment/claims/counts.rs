//! `Counts`: how many handles this process has of each unit, in private memory.
#![allow(unsafe_code)]

use std::slice;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use memmap2::{MmapOptions, MmapRaw};

use crate::segment::claims::layout::{Layout, PER_PAGE};

/// A count for each unit, and a bit for each page of the window that this process has used. A forked child has a copy.
#[derive(Debug)]
pub(super) struct Counts {
    memory: MmapRaw,
    units: usize,
    pages: usize,
}

impl Counts {
    /// Returns counts that are all zero; `None` if the process has no address space or no memory for them.
    pub(super) fn new(layout: Layout) -> Option<Self> {
        let (units, pages) = (layout.units, layout.pages());
        let words = pages.div_ceil(64);
        let length = units.checked_mul(size_of::<AtomicU32>())?.checked_next_multiple_of(64)?.checked_add(words * 8)?;
        // Memory comes with the first writes.
        let memory = MmapOptions::new().len(length).no_reserve_swap().map_anon().ok()?;
        Some(Self { memory: memory.into(), units, pages })
    }

    /// Returns the count of a unit; `None` if there is no such unit.
    #[inline(always)]
    #[expect(clippy::cast_ptr_alignment, reason = "mappings start at pages")]
    pub(super) fn of(&self, unit: usize) -> Option<&AtomicU32> {
        let first = self.memory.as_mut_ptr().cast::<AtomicU32>();
        // SAFETY: `new` has mapped `units` counts from there, aligned, as mappings are; they are zeros at first, which are
        // valid counts. They are accessed as atomics only, while `self` keeps them mapped.
        let counts = unsafe { slice::from_raw_parts(first, self.units) };
        counts.get(unit)
    }

    #[expect(
        clippy::cast_ptr_alignment,
        reason = "mappings start at pages, and the words at a multiple of 64 in there"
    )]
    fn bits(&self) -> &[AtomicU64] {
        let start = (self.units * size_of::<AtomicU32>()).next_multiple_of(64);
        let first = self.memory.as_mut_ptr().wrapping_byte_add(start).cast::<AtomicU64>();
        // SAFETY: `new` has mapped this number of words behind the counts, at a multiple of 64. They are zeros at first, and
        // are accessed as atomics only, while `self` keeps them mapped.
        unsafe { slice::from_raw_parts(first, self.pages.div_ceil(64)) }
    }

    /// Returns whether the page of a unit was marked as used.
    #[inline(always)]
    pub(super) fn is_used(&self, unit: usize) -> bool {
        let page = unit / PER_PAGE;
        self.bits().get(page / 64).is_some_and(|word| word.load(Relaxed) & 1 << (page % 64) != 0)
    }

    /// Marks the page of a unit as used.
    pub(super) fn set_used(&self, unit: usize) {
        let page = unit / PER_PAGE;
        if let Some(word) = self.bits().get(page / 64) {
            word.fetch_or(1 << (page % 64), Relaxed);
        }
    }

    /// Returns the first unit of each page that was marked as used.
    pub(super) fn used_pages(&self) -> impl Iterator<Item = usize> {
        let words = self.bits().iter().enumerate().filter(|(_, word)| word.load(Relaxed) != 0);
        let pages = words.flat_map(|(number, _)| number * 64..number * 64 + 64);
        pages.map(|page| page * PER_PAGE).filter(|unit| self.is_used(*unit))
    }

    /// Returns the units of which this process has handles.
    pub(super) fn open_units(&self) -> impl Iterator<Item = usize> {
        let units = self.used_pages().flat_map(|first| first..first + PER_PAGE);
        units.filter(|unit| self.of(*unit).is_some_and(|count| count.load(Relaxed) != 0))
    }
}
