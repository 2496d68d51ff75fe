//! The journal of an arena: the stores that one step of the allocator consists of.
//!
//! The owner of the directory's lock writes the stores to the journal, then commits the directory with a new number in its
//! field `journal`, then makes the stores, and then sets the atomic field `applied` to that number. If it dies, the next
//! owner makes the stores again if the two numbers differ. Nothing else writes to these places in between.
//!
//! ```text
//!  0  count
//!  8  offset of the first store, its value, offset of the second store, ..
//! ```

use core::sync::atomic::fence;

use crate::heap::blocks::words::Heap;
use crate::heap::space::index::{Bits, JOURNAL, bit};
use crate::heap::usize_of;
use crate::protocol::atomics::Ordering;

const WORD: usize = size_of::<u64>();
/// The most stores of a batch.
const MOST: usize = JOURNAL / WORD / 2 - 1;

/// Stores that are made together.
#[derive(Clone, Debug)]
pub(crate) struct Batch<'a> {
    pub(super) heap: Heap<'a>,
    stores: [(usize, u64); MOST],
    count: usize,
}

impl<'a> Batch<'a> {
    pub(super) fn new(heap: Heap<'a>) -> Self {
        Self { heap, stores: [(0, 0); MOST], count: 0 }
    }

    fn stores(&self) -> &[(usize, u64)] {
        &self.stores[..self.count]
    }

    /// Reads a word as it will be after the batch. A word that lies nowhere is zero.
    pub(super) fn read(&self, offset: usize) -> u64 {
        let planned = self.stores().iter().find(|(at, _)| *at == offset).map(|(_, value)| *value);
        planned.or_else(|| Some(self.heap.word(offset)?.load(Ordering::Relaxed))).unwrap_or_default()
    }

    /// Adds a store. The stores are made in this order; a second store to a word takes the place of the first.
    pub(super) fn write(&mut self, offset: usize, value: u64) {
        if let Some((_, planned)) = self.stores[..self.count].iter_mut().find(|(at, _)| *at == offset) {
            *planned = value;
        } else {
            debug_assert!(self.count < MOST, "a step has fewer stores");
            if let Some(next) = self.stores.get_mut(self.count) {
                *next = (offset, value);
                self.count += 1;
            }
        }
    }

    pub(super) fn set(&mut self, bits: Bits, place: usize) {
        let offset = self.heap.bits_offset(bits, place);
        let word = self.read(offset);
        self.write(offset, word | bit(place));
    }

    pub(super) fn clear(&mut self, bits: Bits, place: usize) {
        let offset = self.heap.bits_offset(bits, place);
        let word = self.read(offset);
        self.write(offset, word & !bit(place));
    }

    /// Counts a block that ends at a place.
    pub(super) fn next_generation(&mut self, place: usize) -> u64 {
        let offset = self.heap.generation_offset(place);
        let next = self.read(offset).saturating_add(1).min(self.heap.last_generation());
        self.write(offset, next);
        next
    }

    /// Makes the stores without the journal.
    pub(super) fn make(&self) {
        for (offset, value) in self.stores() {
            store(self.heap, *offset, *value);
        }
    }

    /// Writes the batch to the journal, whose earlier contents are applied.
    pub(crate) fn record(&self) {
        let pairs = self.stores().iter().flat_map(|(offset, value)| [*offset as u64, *value]);
        let words = self.heap.words(self.heap.journal_offset(), 2 * self.count + 1).unwrap_or_default();
        for (to, word) in words.iter().zip([self.count as u64].into_iter().chain(pairs)) {
            to.store(word, Ordering::Relaxed);
        }
    }
}

/// Makes the stores in the journal.
pub(crate) fn apply(heap: Heap<'_>) {
    let words = heap.words(heap.journal_offset(), 2 * MOST + 1).unwrap_or_default();
    let Some((count, pairs)) = words.split_first() else { return };
    let count = usize_of(count.load(Ordering::Relaxed)).min(MOST);
    for pair in pairs.chunks_exact(2).take(count) {
        let [offset, value] = [0, 1].map(|number| pair[number].load(Ordering::Relaxed));
        store(heap, usize_of(offset), value);
    }
    // Release: look-ups that see a later store to a block also see where blocks end since then.
    fence(Ordering::Release);
}

fn store(heap: Heap<'_>, offset: usize, value: u64) {
    if let Some(word) = heap.word(offset) {
        // Release: look-ups see the stores in this order.
        word.store(value, Ordering::Release);
    }
}
