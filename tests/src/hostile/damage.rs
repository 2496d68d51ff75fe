//! `Damage`: one write of a process that breaks the protocol.

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use crate::hostile::input::Input;
use crate::hostile::memory::Memory;
use crate::hostile::thread::{self, Canary};

/// The offset of the lock word in a cell.
pub(crate) const LOCK: usize = 0;
/// The bytes of the control line that the library never writes.
pub(crate) const SPARE: Range<usize> = 16..24;
const OWNER_DIED: u64 = 0x4000_0000;
const WAITERS: u64 = 0x8000_0000;

/// The offsets of the halves of the lock word and of the event. The kernel reads the lower halves.
const HALVES: [usize; 4] = [LOCK, 4, 56, 60];

/// One write of a process that breaks the protocol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Damage {
    offset: usize,
    size: usize,
    value: u64,
}

impl Damage {
    /// Chooses a write to the first `length` bytes, most often to the control line of the cell.
    pub(crate) fn choose(input: &mut Input<'_>, memory: &Memory, cell: usize, length: usize) -> Self {
        let place = usize::from(input.byte());
        let (offset, size) = match place % 16 {
            // The control line, and the first two words of a slot behind it.
            number @ 0..10 => (cell + number * 8, 8),
            number @ 10..14 => (cell + HALVES[number - 10], 4),
            14 => (input.below(length) & !7, 8),
            _ => (input.below(length), 1),
        };
        // A damaged header may put the cell at the end of the file.
        let offset = if offset + size <= length { offset } else { 0 };
        let old = match size {
            1 => memory.byte(offset).load(Relaxed).into(),
            4 => memory.half(offset).load(Relaxed).into(),
            _ => memory.word(offset).load(Relaxed),
        };
        Self { offset, size, value: value(input, old, place / 16) }
    }

    /// Writes to the memory.
    pub(crate) fn apply(self, memory: &Memory) {
        match self.size {
            1 => memory.byte(self.offset).store(self.value.to_le_bytes()[0], Relaxed),
            4 => memory.half(self.offset).store(low_half(self.value), Relaxed),
            _ => memory.word(self.offset).store(self.value, Relaxed),
        }
    }

    /// Writes to a copy of the memory.
    pub(crate) fn apply_to(self, copy: &mut [u8]) {
        copy[self.offset..self.offset + self.size].copy_from_slice(&self.value.to_le_bytes()[..self.size]);
    }

    /// Returns whether it writes bytes that the library never writes.
    pub(crate) fn is_outside(self, cell: usize) -> bool {
        let end = self.offset + self.size;
        self.offset < cell || self.offset < cell + SPARE.end && end > cell + SPARE.start
    }
}

fn low_half(word: u64) -> u32 {
    u32::try_from(word & 0xffff_ffff).expect("masked")
}

/// Chooses what a hostile process would write: a number near the old one, or one that has a meaning in this word.
fn value(input: &mut Input<'_>, old: u64, kind: usize) -> u64 {
    let id = u64::from(thread::id());
    match kind {
        0 => 0,
        1 => u64::MAX,
        2 => old.wrapping_add(1),
        3 => old.wrapping_sub(1),
        4 => old ^ 1 << (input.byte() % 64),
        5 => id,
        6 => id | WAITERS,
        7 => id | OWNER_DIED,
        // A living process that does not use the segment.
        8 => 1,
        9 => OWNER_DIED,
        10 => WAITERS,
        // The head of this thread's robust list, its first entry, and an address at which a lock could be.
        11 => thread::list_head(),
        12 => thread::list_first(),
        13 => Canary::node() + u64::from(input.byte() % 16),
        14 => u64::from(input.byte()),
        _ => input.word(),
    }
}
