//! The marks of a large value: which blocks of its two slots may differ.
//!
//! Before the working slot is changed, it must be a copy of the committed one. Where both are equal already, nothing
//! needs to be copied, and they are wherever nobody has written since they were. So each block of 8 words has a bit, which
//! is set before the first of its words is written, and cleared after the block has been copied. A block without its bit is
//! equal in both slots: at every instruction, whoever dies, whatever was rolled back.
//!
//! The bits are the lowest level of a tree; in the level above, one bit stands for each word of this one. It is set before
//! any bit of that word is, and cleared after all are. So the blocks are found in time that is proportional to their
//! number, however large the value.
//!
//! Only the lock's owner looks at marks or changes them.

use core::ops::Range;

use crate::primitive::{AtomicU64, Ordering, fence};

/// The words of a block.
const BLOCK: usize = 8;
const BLOCK_BYTES: usize = BLOCK * size_of::<u64>();
const BITS: usize = u64::BITS as usize;

/// More levels than any memory needs.
const MAX_LEVELS: usize = 11;

/// The words of all levels of marks for slots of so many words.
pub(crate) const fn words(slot: usize) -> usize {
    Levels::of(slot).words
}

/// Where the levels lie: the lowest first, one word last.
#[derive(Clone, Copy)]
struct Levels {
    /// Where each starts, and how many words it has.
    each: [(usize, usize); MAX_LEVELS],
    count: usize,
    words: usize,
}

impl Levels {
    const fn of(slot: usize) -> Self {
        let mut levels = Self { each: [(0, 0); MAX_LEVELS], count: 0, words: 0 };
        let mut bits = slot.div_ceil(BLOCK);
        while levels.count == 0 || bits > 1 {
            bits = bits.div_ceil(BITS);
            levels.each[levels.count] = (levels.words, bits);
            levels.count += 1;
            levels.words += bits;
        }
        levels
    }
}

/// The marks of one value, whose slots are `slot` words long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stale<'a> {
    marks: &'a [AtomicU64],
    slot: usize,
}

impl<'a> Stale<'a> {
    /// The marks in `words(slot)` words.
    #[inline(always)]
    pub(crate) fn new(marks: &'a [AtomicU64], slot: usize) -> Self {
        Self { marks, slot }
    }

    /// Marks the blocks of a range of bytes, before they are written.
    #[inline]
    pub(crate) fn mark(self, bytes: &Range<usize>) {
        if bytes.is_empty() {
            return;
        }
        let (first, last) = (bytes.start / BLOCK_BYTES, (bytes.end - 1) / BLOCK_BYTES);
        // Usually it is one block, and marked already.
        let is_marked = first == last && self.marks[first / BITS].load(Ordering::Relaxed) >> (first % BITS) & 1 == 1;
        if !is_marked {
            self.mark_blocks(first, last);
        }
    }

    #[inline(never)]
    fn mark_blocks(self, first: usize, last: usize) {
        let levels = Levels::of(self.slot);
        for (number, (start, _)) in levels.each[..levels.count].iter().enumerate().rev() {
            let shift = number * BITS.trailing_zeros() as usize;
            self.set_bits(*start, first >> shift, last >> shift);
        }
        // The words come behind the marks. For a death between two instructions it is enough that the compiler keeps them so.
        fence(Ordering::Release);
    }

    /// Sets the bits from the first to the last in the level that starts there.
    fn set_bits(self, start: usize, first: usize, last: usize) {
        let (first_word, last_word) = (first / BITS, last / BITS);
        for (word, number) in self.marks[start + first_word..=start + last_word].iter().zip(first_word..) {
            let from = if number == first_word { first % BITS } else { 0 };
            let to = if number == last_word { last % BITS } else { BITS - 1 };
            let bits = (u64::MAX << from) & (u64::MAX >> (BITS - 1 - to));
            let marked = word.load(Ordering::Relaxed);
            if marked & bits != bits {
                // Release: the levels above come before.
                word.store(marked | bits, Ordering::Release);
            }
        }
    }

    /// Copies all marked blocks from one slot to the other, and takes their marks away.
    #[inline]
    pub(crate) fn refresh(self, from: &[AtomicU64], to: &[AtomicU64]) {
        let levels = Levels::of(self.slot);
        self.refresh_below(&levels, levels.count - 1, 0, from, to);
    }

    /// The same for what one word of a level stands for.
    fn refresh_below(self, levels: &Levels, level: usize, index: usize, from: &[AtomicU64], to: &[AtomicU64]) {
        let word = &self.marks[levels.each[level].0 + index];
        let mut left = word.load(Ordering::Relaxed);
        if left == 0 {
            return;
        }
        while left != 0 {
            let below = index * BITS + left.trailing_zeros() as usize;
            left &= left - 1;
            if level == 0 {
                copy_block(from, to, below);
            } else if below < levels.each[level - 1].1 {
                // Other bits are set only by somebody who does not keep to the rules.
                self.refresh_below(levels, level - 1, below, from, to);
            }
        }
        // Release: all that the marks stood for is copied.
        word.store(0, Ordering::Release);
    }
}

fn copy_block(from: &[AtomicU64], to: &[AtomicU64], block: usize) {
    let start = (block * BLOCK).min(to.len());
    let end = (start + BLOCK).min(to.len());
    for (from, to) in from[start..end].iter().zip(&to[start..end]) {
        to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::primitive::Ordering::Relaxed;

    fn zeros(length: usize) -> Vec<AtomicU64> {
        (0..length).map(|_| AtomicU64::new(0)).collect()
    }

    fn values(words: &[AtomicU64]) -> Vec<u64> {
        words.iter().map(|word| word.load(Relaxed)).collect()
    }

    fn fill(words: &[AtomicU64], value: u64) {
        for word in words {
            word.store(value, Relaxed);
        }
    }

    #[test]
    fn the_top_level_is_one_word() {
        assert_eq!(words(65), 1);
        assert_eq!(words(64 * 8), 1);
        assert_eq!(words(64 * 8 + 1), 2 + 1);
        assert_eq!(words(64 * 64 * 8 + 1), 65 + 2 + 1);
        let largest = Levels::of(usize::MAX / 8);
        assert!(largest.count < MAX_LEVELS && largest.each[largest.count - 1].1 == 1);
    }

    /// After every write, copying what is marked makes the slots equal, and nothing else is copied.
    #[test]
    fn what_was_written_is_copied_and_nothing_else() {
        for slot in [65, 512, 513, 64 * 64 * 8 + 77] {
            let (from, to, marks) = (zeros(slot), zeros(slot), zeros(words(slot)));
            let stale = Stale::new(&marks, slot);
            let mut random = 1_u64;
            for round in 1..200 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let start = (random >> 33) as usize % slot;
                let end = slot.min(start + if round % 50 == 0 { slot } else { (random >> 20) as usize % 30 });
                stale.mark(&(start * 8..end * 8));
                fill(&from[start..end], round);
                if round % 3 == 0 {
                    stale.refresh(&from, &to);
                    assert_eq!(values(&from), values(&to), "slot {slot}, round {round}");
                    assert_eq!(values(&marks), vec![0; marks.len()], "slot {slot}, round {round}");
                }
            }
            stale.refresh(&from, &to);
            fill(&from, 1);
            fill(&to, 2);
            stale.mark(&(512..513));
            stale.refresh(&from, &to);
            assert_eq!(to.iter().filter(|word| word.load(Relaxed) == 1).count(), BLOCK.min(slot - 64));
        }
    }

    #[test]
    fn any_marks_are_survived() {
        let slot = 64 * 64 * 8 + 77;
        let (from, to, marks) = (zeros(slot), zeros(slot), zeros(words(slot)));
        fill(&marks, u64::MAX);
        fill(&from, 1);
        Stale::new(&marks, slot).refresh(&from, &to);
        assert_eq!(values(&from), values(&to));
    }
}
