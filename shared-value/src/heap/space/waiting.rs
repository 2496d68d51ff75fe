//! The blocks that wait until no handle of them is open: those of removed values, and those that a transaction has made but not
//! added yet.
//!
//! Their ends have bits in the index. A few words behind the claim slots say how far the last sweep has come, so that
//! each sweep looks at a small part of the index, and at nothing if no block waits. The owner of the directory's lock uses them.
//!
//! ```text
//! 0  count      at least the number of blocks that wait
//! 8  page       where the next sweep begins
//! 16 seen       blocks that still waited when the sweeps of this round passed them
//! 24 begun      blocks that began to wait during this round
//! ```
//! An owner that dies between two stores leaves a number that is too high, and the next whole round corrects it.

use crate::heap::blocks::{Heap, TRAILER};
use crate::heap::space::index::{Bits, PAGE, bit};
use crate::protocol::atomics::AtomicU64;
use crate::protocol::atomics::Ordering::Relaxed;
use crate::segment::Layout;

/// The pages that one sweep looks at, and the blocks that it looks for.
const PAGES: usize = 32;
const BLOCKS: usize = 16;

/// The blocks that wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting<'a> {
    heap: Heap<'a>,
    count: &'a AtomicU64,
    page: &'a AtomicU64,
    seen: &'a AtomicU64,
    begun: &'a AtomicU64,
}

fn add(word: &AtomicU64, number: u64) {
    word.store(word.load(Relaxed).saturating_add(number), Relaxed);
}

impl<'a> Waiting<'a> {
    /// Finds the words; `None` if this process has not begun to claim values of the arena.
    pub(crate) fn of(heap: Heap<'a>) -> Option<Self> {
        Self::at(heap, heap.layout_of_claims()?)
    }

    /// Finds the words in an arena with this layout.
    pub(crate) fn at(heap: Heap<'a>, layout: Layout) -> Option<Self> {
        let [count, page, seen, begun] = heap.words(layout.notes(), 4)? else { return None };
        Some(Self { heap, count, page, seen, begun })
    }

    /// Begins without blocks.
    pub(crate) fn reset(self) {
        for word in [self.count, self.page, self.seen, self.begun] {
            word.store(0, Relaxed);
        }
    }

    fn bits(self, at: usize) -> Option<&'a AtomicU64> {
        self.heap.word(self.heap.bits_offset(Bits::Waiting, at))
    }

    /// Notes that a block waits.
    pub(crate) fn begin(self, at: usize) {
        let Some(bits) = self.bits(at) else { return };
        let seen = bits.load(Relaxed);
        if seen & bit(at) == 0 {
            add(self.begun, 1);
            add(self.count, 1);
            bits.store(seen | bit(at), Relaxed);
        }
    }

    /// Notes that a block does not wait any more.
    pub(crate) fn end(self, at: usize) {
        let Some(bits) = self.bits(at) else { return };
        let seen = bits.load(Relaxed);
        if seen & bit(at) != 0 {
            bits.store(seen & !bit(at), Relaxed);
            self.count_down();
        }
    }

    /// Counts a block that waited, and is free now.
    pub(crate) fn count_down(self) {
        self.count.store(self.count.load(Relaxed).saturating_sub(1), Relaxed);
    }

    /// Returns the trailers of some blocks that wait, below the cursor. Later calls return others, until all had their turn.
    pub(crate) fn some(self, cursor: usize) -> Vec<usize> {
        if self.count.load(Relaxed) == 0 {
            return Vec::new();
        }
        let (first, last) = (self.heap.start() / PAGE, cursor.saturating_sub(TRAILER) / PAGE);
        let mut page = usize::try_from(self.page.load(Relaxed)).unwrap_or_default().clamp(first, last.max(first));
        let mut found = Vec::new();
        for _ in 0..PAGES {
            found.extend(self.in_page(page));
            page += 1;
            if page > last {
                // The next round begins first: if this thread dies here, it counts too many.
                self.page.store(first as u64, Relaxed);
                self.end_round(found.len() as u64);
                return found;
            }
            if found.len() >= BLOCKS {
                break;
            }
        }
        add(self.seen, found.len() as u64);
        self.page.store(page as u64, Relaxed);
        found
    }

    /// Returns the trailers of all blocks that wait, those of one page at a time.
    pub(crate) fn all(self, cursor: usize) -> impl Iterator<Item = Vec<usize>> + use<'a> {
        let last = if self.count.load(Relaxed) == 0 { 0 } else { cursor.saturating_sub(TRAILER) / PAGE + 1 };
        (self.heap.start() / PAGE..last).map(move |page| self.in_page(page).collect())
    }

    /// Returns the trailers of the blocks that wait and end in a page.
    fn in_page(self, page: usize) -> impl Iterator<Item = usize> + use<> {
        let word = self.bits(page * PAGE).map_or(0, |bits| bits.load(Relaxed));
        let places = (0..64).filter(move |number| word & 1 << number != 0);
        places.map(move |number| page * PAGE + (number + 1) * 64 - TRAILER)
    }

    /// Corrects the number of blocks, if none began to wait during this round. `seen` of them are not counted yet.
    fn end_round(self, seen: u64) {
        if self.begun.load(Relaxed) == 0 {
            self.count.store(self.seen.load(Relaxed).saturating_add(seen), Relaxed);
        }
        self.seen.store(0, Relaxed);
        self.begun.store(0, Relaxed);
    }
}
