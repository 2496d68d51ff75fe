//! `HeldList`: the locks that a thread holds, in memory that no other process can write.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize};

use crate::lock::line::LockLine;

/// The most locks that one thread may hold.
///
/// The kernel releases 2,048 locks of a dying thread (`ROBUST_LIST_LIMIT`). The rest is left to other robust mutexes.
pub(crate) const MAX_HELD: usize = 2_000;

/// More than `MAX_HELD`, and a power of two, as `OTHER` is.
const FIRST_BORROWED: usize = 1 << 15;
const OTHER: usize = 1 << 16;

/// Enough for most threads, without an allocation of its own.
const INLINE: usize = 8;

/// The locks that one thread holds, in the order in which it took them.
///
/// Only that thread writes here, except that `fork` clears the record of the forking thread in the child. Others read
/// it to see whether memory may be unmapped; the atomics serve them.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct HeldList {
    /// The number of locks here; `FIRST_BORROWED` if a brief hold has borrowed what the first one guards, which costs no store
    /// here; and `OTHER` times the number of those that are recorded elsewhere.
    length: AtomicUsize,
    /// The lock that was taken first, if nothing is special about it: then whoever holds it need not look for it. Null is
    /// always right, too.
    plain: AtomicPtr<LockLine>,
    inline: [Held; INLINE],
    more: OnceLock<Box<[Held]>>,
}

/// A lock that a thread holds.
#[derive(Debug, Default)]
pub(crate) struct Held {
    line: AtomicPtr<LockLine>,
    /// Zero in entries that are not in use, so that taking a lock stores little; and if nothing is special about the lock.
    ///
    /// | bits | meaning |
    /// |---|---|
    /// | 0-31 | how often the thread has taken the lock again without releasing it |
    /// | 32-33 | the mark |
    /// | 34 | a transaction holds it |
    state: AtomicU64,
}

const DEPTH: u64 = 0xffff_ffff;
const BORROWED: u64 = 1 << 32;
const UNWOUND: u64 = 1 << 33;
const JOINED: u64 = 1 << 34;

/// What a thread notes about a lock that it holds, for the layers above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    None,
    /// An `update` has what the lock guards borrowed.
    Borrowed,
    /// A panic has passed through a guard that was not the last hold.
    Unwound,
}

impl Held {
    /// The lock, which is mapped while it is held.
    #[inline(always)]
    pub(super) fn line(&self) -> *const LockLine {
        self.line.load(Relaxed)
    }

    /// How often the thread has taken it again.
    pub(super) fn depth(&self) -> u64 {
        self.state.load(Relaxed) & DEPTH
    }

    /// The thread takes it again.
    pub(super) fn deepen(&self) {
        self.state.store(self.state.load(Relaxed) + 1, Relaxed);
    }

    /// Undoes the last `deepen`; `false` if there is none.
    pub(super) fn rise(&self) -> bool {
        let is_deep = self.depth() != 0;
        if is_deep {
            self.state.store(self.state.load(Relaxed) - 1, Relaxed);
        }
        is_deep
    }

    #[inline(always)]
    pub(super) fn mark(&self) -> Mark {
        match self.state.load(Relaxed) & (BORROWED | UNWOUND) {
            0 => Mark::None,
            BORROWED => Mark::Borrowed,
            _ => Mark::Unwound,
        }
    }

    #[inline(always)]
    pub(super) fn set_mark(&self, mark: Mark) {
        let mark = match mark {
            Mark::None => 0,
            Mark::Borrowed => BORROWED,
            Mark::Unwound => UNWOUND,
        };
        self.state.store(self.state.load(Relaxed) & !(BORROWED | UNWOUND) | mark, Relaxed);
    }

    pub(super) fn is_joined(&self) -> bool {
        self.state.load(Relaxed) & JOINED != 0
    }

    pub(super) fn set_joined(&self, is_joined: bool) {
        let joined = if is_joined { JOINED } else { 0 };
        self.state.store(self.state.load(Relaxed) & !JOINED | joined, Relaxed);
    }

    fn clear(&self) {
        self.state.store(0, Relaxed);
    }
}

impl HeldList {
    #[inline(always)]
    pub(super) fn length(&self) -> usize {
        self.length.load(Relaxed) % FIRST_BORROWED
    }

    /// Whether the thread holds no lock at all, here or elsewhere.
    #[inline(always)]
    pub(super) fn is_clear(&self) -> bool {
        self.length.load(Relaxed) == 0
    }

    /// Adds to the locks that are recorded elsewhere.
    pub(super) fn add_other(&self) {
        self.length.store(self.length.load(Relaxed) + OTHER, Release);
    }

    /// Takes one of them away.
    pub(super) fn remove_other(&self) {
        self.length.store(self.length.load(Relaxed) - OTHER, Release);
    }

    /// The lock at a place below `length`.
    #[inline(always)]
    pub(super) fn get(&self, index: usize) -> &Held {
        match self.inline.get(index) {
            Some(held) => held,
            None => self.get_more(index - INLINE),
        }
    }

    #[cold]
    fn get_more(&self, index: usize) -> &Held {
        let more = self.more.get_or_init(|| (INLINE..MAX_HELD).map(|_| Held::default()).collect());
        &more[index]
    }

    /// The place of a lock.
    pub(super) fn find(&self, line: &LockLine) -> Option<usize> {
        (0..self.length()).rev().find(|index| std::ptr::eq(self.get(*index).line(), line))
    }

    /// Whether the lock is known to be held once, and nothing else to be noted about it.
    #[inline(always)]
    pub(super) fn is_plain(&self, line: &LockLine) -> bool {
        std::ptr::eq(self.plain.load(Relaxed), line)
    }

    /// The same, and whether the thread holds no other.
    #[inline(always)]
    pub(super) fn is_only_and_plain(&self, line: &LockLine) -> bool {
        self.is_plain(line) && self.length.load(Relaxed) == 1
    }

    /// Whether it is the only lock, taken once, and what it guards is borrowed.
    #[inline(always)]
    pub(super) fn is_only_and_borrowed(&self, line: &LockLine) -> bool {
        let [held, ..] = &self.inline;
        self.length.load(Relaxed) == FIRST_BORROWED + 1
            && std::ptr::eq(held.line(), line)
            && held.state.load(Relaxed) == 0
    }

    /// Whether a brief hold has borrowed what the lock guards. Such a lock stays the first while it is held.
    pub(super) fn is_borrowed(&self, line: &LockLine) -> bool {
        let [held, ..] = &self.inline;
        self.is_first_borrowed() && std::ptr::eq(held.line(), line)
    }

    /// Notes that nothing is borrowed by a brief hold.
    pub(super) fn end_borrow(&self) {
        self.length.store(self.length.load(Relaxed) & !FIRST_BORROWED, Relaxed);
        self.find_plain();
    }

    /// Takes the lock once more, if it is the first one, nothing but that is special about it, and it was not taken so often.
    #[inline(always)]
    pub(super) fn deepen_first(&self, line: &LockLine, most: u64) -> bool {
        let [held, ..] = &self.inline;
        let depth = held.state.load(Relaxed);
        let is_first = self.length() != 0 && std::ptr::eq(held.line(), line) && depth < most;
        if is_first {
            held.state.store(depth + 1, Relaxed);
            self.plain.store(std::ptr::null_mut(), Relaxed);
        }
        is_first
    }

    /// Undoes that.
    #[inline(always)]
    pub(super) fn rise_first(&self, line: &LockLine) -> bool {
        let [held, ..] = &self.inline;
        let depth = held.state.load(Relaxed);
        let is_first = std::ptr::eq(held.line(), line) && (1..=DEPTH).contains(&depth);
        if is_first {
            held.state.store(depth - 1, Relaxed);
            self.find_plain();
        }
        is_first
    }

    /// Changes what is noted about the lock at a place below `length`.
    pub(super) fn change<R>(&self, index: usize, change: impl FnOnce(&Held) -> R) -> R {
        let changed = change(self.get(index));
        self.find_plain();
        changed
    }

    fn is_first_borrowed(&self) -> bool {
        self.length.load(Relaxed) & FIRST_BORROWED != 0
    }

    fn find_plain(&self) {
        let [held, ..] = &self.inline;
        let is_plain = self.length() != 0 && !self.is_first_borrowed() && held.state.load(Relaxed) == 0;
        self.plain.store(if is_plain { held.line.load(Relaxed) } else { std::ptr::null_mut() }, Relaxed);
    }

    /// Adds a lock behind the others. The caller has seen that there is room.
    #[inline(always)]
    pub(super) fn push(&self, line: &LockLine) {
        let (length, line) = (self.length(), std::ptr::from_ref(line).cast_mut());
        self.get(length).line.store(line, Release);
        self.length.store(self.length.load(Relaxed) + 1, Release);
        if length == 0 {
            self.plain.store(line, Relaxed);
        }
    }

    /// Adds a lock where there is none at all, and notes that what it guards is borrowed.
    #[inline(always)]
    pub(super) fn push_borrowed(&self, line: &LockLine) {
        let [held, ..] = &self.inline;
        held.line.store(std::ptr::from_ref(line).cast_mut(), Relaxed);
        self.length.store(FIRST_BORROWED + 1, Release);
    }

    /// Takes the only lock out, which is plain.
    #[inline(always)]
    pub(super) fn pop_plain(&self) {
        self.plain.store(std::ptr::null_mut(), Relaxed);
        self.length.store(0, Relaxed);
    }

    /// Takes the only lock out, which is borrowed.
    #[inline(always)]
    pub(super) fn pop_borrowed(&self) {
        self.length.store(0, Relaxed);
    }

    /// Takes a lock out; those behind it move down by one.
    pub(super) fn remove(&self, index: usize) {
        let last = self.length() - 1;
        for place in index..last {
            let (to, from) = (self.get(place), self.get(place + 1));
            // Release: whoever sees the next lock in the place of this one also sees this one in its new place.
            to.line.store(from.line.load(Relaxed), Release);
            to.state.store(from.state.load(Relaxed), Relaxed);
        }
        self.get(last).clear();
        self.length.store(self.length.load(Relaxed) - 1, Release);
        self.find_plain();
    }

    /// Forgets all locks.
    pub(super) fn clear(&self) {
        for index in 0..self.length() {
            self.get(index).clear();
        }
        self.length.store(0, Relaxed);
        self.find_plain();
    }

    /// Whether one of the locks lies in this range of addresses; asked by other threads.
    ///
    /// A lock that is held all the time is found, although its thread takes and releases others meanwhile: it can only
    /// move down, and this looks from the last place to the first, so it cannot slip past.
    pub(super) fn any_within(&self, range: &Range<usize>) -> bool {
        let length = self.length.load(Acquire) % FIRST_BORROWED;
        (0..length).rev().any(|index| range.contains(&self.get(index).line.load(Acquire).addr()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scanned from the first place to the last, a lock that moves down meanwhile is missed, and its memory unmapped.
    #[test]
    fn a_lock_that_moves_is_found() {
        const ROUNDS: usize = 10_000;
        let list = HeldList::default();
        let lines = [(); 4].map(|()| LockLine::default());
        let kept = (&raw const lines[2]).addr();
        let (started, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut missed = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    while started.load(Acquire) != round {
                        std::thread::yield_now();
                    }
                    list.remove(0);
                    list.remove(0);
                    finished.store(round, Release);
                }
            });
            for round in 1..=ROUNDS {
                list.clear();
                for line in &lines {
                    list.push(line);
                }
                started.store(round, Release);
                while finished.load(Acquire) != round {
                    missed += u32::from(!list.any_within(&(kept..kept + 1)));
                }
            }
        });
        assert_eq!(missed, 0);
    }
}
