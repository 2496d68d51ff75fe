//! `Layout`: where the slots and windows of an arena lie.
//!
//! ```text
//! start    slots: 64 words, the ids of processes
//! + 512    four words for notes of sweeps, see `heap/space/waiting.rs`
//! + 544    counts searches for claims
//! + 4096   area of slot 0: one bit for each page of the window, rounded up to pages; the window
//!          area of slot 1, ..
//! ```
//! A window has a counter of 16 bits for each unit. A page of a window is used only after its bit was set, so nothing reads a
//! page for which the file has no memory.

use std::ops::Range;

/// How many processes can have slots.
pub(super) const SLOTS: usize = 64;
/// The bytes of an arena for which there is one counter.
const UNIT: usize = 128;
/// Header, schema and directory take less.
const BEFORE_BLOCKS: u64 = 128 << 10;
const PAGE: usize = 4096;
/// The counters in a page of a window, and in a word.
pub(super) const PER_PAGE: usize = PAGE / size_of::<u16>();
const PER_WORD: usize = 4;
const COUNTER_BITS: usize = 16;
const WORD: usize = size_of::<u64>();

/// Where the claims of an arena lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(super) start: usize,
    pub(super) units: usize,
    /// The bytes of the bits and of the window of each slot.
    bits: usize,
    window: usize,
}

/// Returns the units of an arena of this capacity.
fn units(capacity: u64) -> u64 {
    (capacity + BEFORE_BLOCKS) / UNIT as u64 + 1
}

/// Returns the bytes of the bits and of the window of a slot.
fn area(units: u64) -> (u64, u64) {
    let pages = units.div_ceil(PER_PAGE as u64);
    let bits = pages.div_ceil(64) * WORD as u64;
    (bits.next_multiple_of(PAGE as u64), pages * PAGE as u64)
}

/// Returns the bytes of all claims.
fn length(capacity: u64) -> u64 {
    let (bits, window) = area(units(capacity));
    PAGE as u64 + SLOTS as u64 * (bits + window)
}

impl Layout {
    /// Returns the bytes that the claims of an arena of this capacity take, in front of the bytes that lie behind them.
    pub(crate) fn reserve(capacity: u64) -> u64 {
        // The claims start and end with pages.
        length(capacity) + 2 * PAGE as u64
    }

    /// Returns the layout in a segment of this length, if there is room for it before the last `behind` bytes.
    pub(crate) fn of(segment: usize, capacity: u64, behind: u64) -> Option<Self> {
        // No file is longer than this, so the sums below do not overflow.
        let capacity = Some(capacity).filter(|capacity| *capacity < 1 << 48)?;
        let end = (segment as u64).checked_sub(behind)? / PAGE as u64 * PAGE as u64;
        let (bits, window) = area(units(capacity));
        let numbers = [end.checked_sub(length(capacity))?, units(capacity), bits, window];
        let [Ok(start), Ok(units), Ok(bits), Ok(window)] = numbers.map(usize::try_from) else { return None };
        Some(Self { start, units, bits, window })
    }

    /// Returns the unit in which a block ends.
    #[inline(always)]
    pub(crate) fn unit(trailer: usize) -> usize {
        trailer / UNIT
    }

    /// Returns where the words for the notes of sweeps lie.
    pub(crate) fn notes(self) -> usize {
        self.start + SLOTS * WORD
    }

    /// Returns where the word lies that counts searches for claims.
    pub(super) fn searches(self) -> usize {
        self.notes() + 4 * WORD
    }

    /// Returns the page that the slots lie in.
    pub(crate) fn slots(self) -> Range<usize> {
        self.start..self.start + PAGE
    }

    /// Returns the pages of the window of each slot.
    pub(super) fn pages(self) -> usize {
        self.units.div_ceil(PER_PAGE)
    }

    /// Returns the areas of all slots.
    pub(super) fn areas(self) -> Range<usize> {
        self.slots().end..self.slots().end + SLOTS * (self.bits + self.window)
    }

    /// Returns the pages that the bits of a slot lie in.
    pub(super) fn bits(self, slot: usize) -> Range<usize> {
        let start = self.slots().end + slot * (self.bits + self.window);
        start..start + self.bits
    }

    /// Returns where the window of a slot starts.
    pub(super) fn window(self, slot: usize) -> usize {
        self.bits(slot).end
    }
}

/// Returns the distance of a unit's word from the start of a window.
#[inline(always)]
pub(super) fn word_of(unit: usize) -> usize {
    unit / PER_WORD * WORD
}

/// Returns how far to the left a unit's counter lies in its word.
#[inline(always)]
fn shift_of(unit: usize) -> usize {
    unit % PER_WORD * COUNTER_BITS
}

/// Returns what counts one in a unit's counter.
#[inline(always)]
pub(super) fn one_of(unit: usize) -> u64 {
    1 << shift_of(unit)
}

/// Returns the counter of a unit in its word.
pub(super) fn counter_in(word: u64, unit: usize) -> u64 {
    word >> shift_of(unit) & ((1 << COUNTER_BITS) - 1)
}
