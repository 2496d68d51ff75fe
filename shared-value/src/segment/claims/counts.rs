//! `Counts`: how many handles this process has of each unit, in private memory.
#![allow(unsafe_code)]

use std::slice;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use memmap2::{MmapOptions, MmapRaw};

use crate::protocol::atomics::AtomicU32;
use crate::protocol::claims::is_open;
use crate::segment::claims::layout::Layout;

/// The units that have a bit together. They lie in one page of the window.
const GROUP: usize = 64;

/// A count for each unit, and a bit for each group of units that this process has used. A forked child has a copy.
#[derive(Debug)]
pub(super) struct Counts {
    memory: MmapRaw,
    units: usize,
    /// The words of the bits.
    words: usize,
}

impl Counts {
    /// Returns counts that are all zero; `None` if the process has no address space or no memory for them.
    pub(super) fn new(layout: Layout) -> Option<Self> {
        let units = layout.units;
        let words = units.div_ceil(GROUP).div_ceil(64);
        let length = units.checked_mul(size_of::<AtomicU32>())?.checked_next_multiple_of(64)?.checked_add(words * 8)?;
        // Memory comes with the first writes.
        let memory = MmapOptions::new().len(length).no_reserve_swap().map_anon().ok()?;
        Some(Self { memory: memory.into(), units, words })
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
        unsafe { slice::from_raw_parts(first, self.words) }
    }

    /// Returns whether the group of a unit was marked as used.
    #[inline(always)]
    pub(super) fn is_used(&self, unit: usize) -> bool {
        let group = unit / GROUP;
        self.bits().get(group / 64).is_some_and(|word| word.load(Relaxed) & 1 << (group % 64) != 0)
    }

    /// Marks the group of a unit as used.
    pub(super) fn set_used(&self, unit: usize) {
        let group = unit / GROUP;
        if let Some(word) = self.bits().get(group / 64) {
            word.fetch_or(1 << (group % 64), Relaxed);
        }
    }

    /// Returns the first unit of each group that was marked as used.
    pub(super) fn used_groups(&self) -> impl Iterator<Item = usize> {
        let words = self.bits().iter().enumerate().filter(|(_, word)| word.load(Relaxed) != 0);
        let groups = words.flat_map(|(number, _)| number * 64..number * 64 + 64);
        groups.map(|group| group * GROUP).filter(|unit| self.is_used(*unit))
    }

    /// Returns the units of which this process has handles.
    pub(super) fn open_units(&self) -> impl Iterator<Item = usize> {
        let units = self.used_groups().flat_map(|first| first..first + GROUP);
        units.filter(|unit| self.of(*unit).is_some_and(is_open))
    }
}
