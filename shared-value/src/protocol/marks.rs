//! The marks of a large value: which blocks of its two slots may differ.
//!
//! Before the working slot is changed, it must be a copy of the committed slot. Blocks that are equal in both slots need no
//! copying. So each block of 8 words has a mark, which is set before the first of its words is written, and cleared after
//! the block has been copied. A block without a mark is equal in both slots after every instruction, even if threads die or
//! changes are rolled back.
//!
//! A few marked blocks are recorded by their numbers, in the first words. If there are more, all are recorded by bits: one
//! bit for each block, in the lowest level of a tree. In each higher level, one bit stands for a word of the level below.
//! That bit is set before any bit of the word, and cleared after all of them. So the marked blocks are found in time
//! proportional to their number, however large the value is.
//!
//! ```text
//! recent   8 words, the used ones first: the number of a block, plus 1
//! level 0  one bit for each block, lowest first
//! level 1  one bit for each word of level 0, and so on, up to a level of one word
//! ```
//!
//! Only the lock's owner reads or changes marks, so no other thread can see the accesses in another order. The orderings
//! below are for a death between two instructions: they keep the compiler from reordering the accesses.

use core::ops::Range;

use crate::protocol::atomics::{AtomicU64, Ordering, fence};

/// The words of a block. Models use blocks of one word, and so need few words.
const BLOCK: usize = if cfg!(loom) { 1 } else { 8 };
const BLOCK_BYTES: usize = BLOCK * size_of::<u64>();
const BITS: usize = u64::BITS as usize;

/// How many blocks are recorded by their numbers.
const RECENT: usize = if cfg!(loom) { 1 } else { 8 };

/// More levels than any slot needs.
const MAX_LEVELS: usize = 11;

/// Returns the number of words that the marks for slots of `slot` words take.
pub(crate) const fn words(slot: usize) -> usize {
    RECENT + Levels::of(slot).words
}

/// Returns the words of the marks that these bytes of slots of `slot` words need.
pub(crate) fn words_of(slot: usize, bytes: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let levels = Levels::of(slot);
    let (mut first, mut end) = (bytes.start / BLOCK_BYTES, bytes.end.div_ceil(BLOCK_BYTES));
    let levels = levels.each.into_iter().take(levels.count).map(move |(start, words)| {
        (first, end) = (first / BITS, end.div_ceil(BITS));
        RECENT + start + first.min(words)..RECENT + start + end.min(words)
    });
    // The top level always has its word: it says whether any bit is set.
    std::iter::once(0..RECENT).chain(levels).chain(std::iter::once(words(slot) - 1..words(slot)))
}

/// Where the levels lie, after the numbers: the lowest level first, the level of one word last.
#[derive(Clone, Copy)]
struct Levels {
    /// Where each level starts, and how many words it has.
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
pub(crate) struct Marks<'a> {
    marks: &'a [AtomicU64],
    slot: usize,
}

impl<'a> Marks<'a> {
    /// Wraps `words(slot)` words.
    #[inline(always)]
    pub(crate) fn new(marks: &'a [AtomicU64], slot: usize) -> Self {
        Self { marks, slot }
    }

    /// Returns the numbers of marked blocks, plus 1.
    #[inline(always)]
    fn recent(self) -> &'a [AtomicU64] {
        &self.marks[..RECENT]
    }

    #[inline(always)]
    fn tree(self) -> &'a [AtomicU64] {
        &self.marks[RECENT..]
    }

    /// Returns whether no bit is set.
    #[inline(always)]
    fn is_tree_empty(self) -> bool {
        self.marks[self.marks.len() - 1].load(Ordering::Relaxed) == 0
    }

    /// Marks the blocks of a range of bytes, before they are written.
    #[inline]
    pub(crate) fn mark(self, bytes: &Range<usize>) {
        if bytes.is_empty() {
            return;
        }
        let (first, last) = (bytes.start / BLOCK_BYTES, (bytes.end - 1) / BLOCK_BYTES);
        // Usually the range lies in one block, and often that block is the only marked one.
        if first != last || !self.mark_quickly(first) {
            self.mark_blocks(first, last);
        }
        // Release: the words are stored after the marks.
        fence(Ordering::Release);
    }

    /// Marks a block if it would be the only marked one. Returns whether the block is marked now.
    #[inline(always)]
    fn mark_quickly(self, block: usize) -> bool {
        let first = &self.recent()[0];
        if first.load(Ordering::Relaxed) == number(block) {
            return true;
        }
        if first.load(Ordering::Relaxed) == 0 && self.is_tree_empty() {
            first.store(number(block), Ordering::Relaxed);
            return true;
        }
        self.tree()[block / BITS].load(Ordering::Relaxed) >> (block % BITS) & 1 == 1
    }

    #[inline(never)]
    fn mark_blocks(self, first: usize, last: usize) {
        if self.is_tree_empty() {
            if last - first < RECENT && (first..=last).all(|block| self.note(block)) {
                return;
            }
            // From now on all marked blocks are recorded by bits.
            for noted in self.recent() {
                if let Some(block) = block_of(noted.load(Ordering::Relaxed), self.slot) {
                    self.mark_in_tree(block, block);
                }
            }
            for noted in self.recent().iter().rev() {
                noted.store(0, Ordering::Release);
            }
        }
        self.mark_in_tree(first, last);
    }

    /// Records the number of a block, if there is room. Returns whether the number is recorded now.
    fn note(self, block: usize) -> bool {
        for noted in self.recent() {
            let found = noted.load(Ordering::Relaxed);
            if found == 0 {
                noted.store(number(block), Ordering::Relaxed);
            }
            if found == 0 || found == number(block) {
                return true;
            }
        }
        false
    }

    fn mark_in_tree(self, first: usize, last: usize) {
        let levels = Levels::of(self.slot);
        for (number, (start, _)) in levels.each[..levels.count].iter().enumerate().rev() {
            let shift = number * BITS.trailing_zeros() as usize;
            self.set_bits(*start, first >> shift, last >> shift);
        }
    }

    /// Sets the bits `first` to `last` in the level that starts at `start`.
    fn set_bits(self, start: usize, first: usize, last: usize) {
        let (first_word, last_word) = (first / BITS, last / BITS);
        for (word, number) in self.tree()[start + first_word..=start + last_word].iter().zip(first_word..) {
            let from = if number == first_word { first % BITS } else { 0 };
            let to = if number == last_word { last % BITS } else { BITS - 1 };
            let bits = (u64::MAX << from) & (u64::MAX >> (BITS - 1 - to));
            let marked = word.load(Ordering::Relaxed);
            if marked & bits != bits {
                // Release: the levels above were set before.
                word.store(marked | bits, Ordering::Release);
            }
        }
    }

    /// Copies all marked blocks from one slot to the other, and clears their marks.
    #[inline]
    pub(crate) fn refresh(self, from: &[AtomicU64], to: &[AtomicU64]) {
        let recent = self.recent();
        let mut used = 0;
        while used < RECENT {
            let noted = recent[used].load(Ordering::Relaxed);
            if noted == 0 {
                break;
            }
            if let Some(block) = block_of(noted, self.slot) {
                copy_block(from, to, block);
            }
            used += 1;
        }
        // The last number is cleared first. If the thread dies in between, the numbers that are left have no gap before
        // them: a number after a gap would not be found.
        for noted in recent[..used].iter().rev() {
            // Release: the block was copied before.
            noted.store(0, Ordering::Release);
        }
        if !self.is_tree_empty() {
            self.refresh_tree(from, to);
        }
    }

    #[inline(never)]
    fn refresh_tree(self, from: &[AtomicU64], to: &[AtomicU64]) {
        let levels = Levels::of(self.slot);
        self.refresh_below(&levels, levels.count - 1, 0, from, to);
    }

    /// Copies the marked blocks that one word of a level stands for, and clears their marks.
    fn refresh_below(self, levels: &Levels, level: usize, index: usize, from: &[AtomicU64], to: &[AtomicU64]) {
        let word = &self.tree()[levels.each[level].0 + index];
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
                // Only a process that breaks the rules sets other bits.
                self.refresh_below(levels, level - 1, below, from, to);
            }
        }
        // Release: the blocks of these marks were copied before.
        word.store(0, Ordering::Release);
    }
}

/// Returns the number that records a block.
#[inline(always)]
fn number(block: usize) -> u64 {
    block as u64 + 1
}

/// Returns the block that a number records; `None` if there is no such block, because a process that breaks the rules wrote
/// the number.
#[inline(always)]
fn block_of(number: u64, slot: usize) -> Option<usize> {
    let block = usize::try_from(number.checked_sub(1)?).ok()?;
    (block < slot.div_ceil(BLOCK)).then_some(block)
}

#[inline(always)]
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
    use crate::protocol::atomics::Ordering::Relaxed;

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
        assert_eq!(words(65), RECENT + 1);
        assert_eq!(words(64 * 8), RECENT + 1);
        assert_eq!(words(64 * 8 + 1), RECENT + 2 + 1);
        assert_eq!(words(64 * 64 * 8 + 1), RECENT + 65 + 2 + 1);
        let largest = Levels::of(usize::MAX / 8);
        assert!(largest.count < MAX_LEVELS && largest.each[largest.count - 1].1 == 1);
    }

    /// After every write, copying the marked blocks makes the slots equal, and no other block is copied.
    #[test]
    fn what_was_written_is_copied_and_nothing_else() {
        for slot in [65, 512, 513, 64 * 64 * 8 + 77] {
            let (from, to, marks) = (zeros(slot), zeros(slot), zeros(words(slot)));
            let marked = Marks::new(&marks, slot);
            let mut random = 1_u64;
            for round in 1..200 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let start = (random >> 33) as usize % slot;
                let end = slot.min(start + if round % 50 == 0 { slot } else { (random >> 20) as usize % 30 });
                marked.mark(&(start * 8..end * 8));
                fill(&from[start..end], round);
                if round % 3 == 0 {
                    marked.refresh(&from, &to);
                    assert_eq!(values(&from), values(&to), "slot {slot}, round {round}");
                    assert_eq!(values(&marks), vec![0; marks.len()], "slot {slot}, round {round}");
                }
            }
            marked.refresh(&from, &to);
            fill(&from, 1);
            fill(&to, 2);
            marked.mark(&(512..513));
            marked.refresh(&from, &to);
            assert_eq!(to.iter().filter(|word| word.load(Relaxed) == 1).count(), BLOCK.min(slot - 64));
        }
    }

    #[test]
    fn any_marks_are_survived() {
        let slot = 64 * 64 * 8 + 77;
        let (from, to, marks) = (zeros(slot), zeros(slot), zeros(words(slot)));
        fill(&marks, u64::MAX);
        fill(&from, 1);
        Marks::new(&marks, slot).refresh(&from, &to);
        assert_eq!(values(&from), values(&to));
    }
}
