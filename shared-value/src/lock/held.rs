//! `HeldList`: the locks that a thread holds, in memory that no other process can write.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize};

use crate::lock::line::LockLine;

/// The most locks that one thread may hold.
///
/// The kernel releases 2,048 locks of a dying thread (`ROBUST_LIST_LIMIT`). The rest is left to other robust mutexes.
pub(crate) const MAX_HELD: usize = 2_000;

/// More than `MAX_HELD`, and a power of two.
const OTHER: usize = 1 << 16;

/// Enough for most threads, without an allocation of its own.
const INLINE: usize = 8;

/// The locks that one thread holds, in the order in which it took them.
///
/// Only that thread writes here, except that `fork` clears the record of the forking thread in the child. Others read
/// it to see whether memory may be unmapped; the atomics serve them.
#[derive(Debug, Default)]
pub(crate) struct HeldList {
    /// The number of locks here, and `OTHER` times the number of those that are recorded elsewhere.
    length: AtomicUsize,
    inline: [Held; INLINE],
    more: OnceLock<Box<[Held]>>,
}

/// A lock that a thread holds. All but `line` are zero in entries that are not in use, so that taking a lock stores
/// little.
#[derive(Debug, Default)]
pub(crate) struct Held {
    line: AtomicPtr<LockLine>,
    /// How often the thread has taken the lock again without releasing it.
    pub(super) again: AtomicU32,
    mark: AtomicU32,
    /// Not zero if a transaction holds it.
    joined: AtomicU32,
}

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

    #[inline(always)]
    pub(super) fn mark(&self) -> Mark {
        match self.mark.load(Relaxed) {
            0 => Mark::None,
            1 => Mark::Borrowed,
            _ => Mark::Unwound,
        }
    }

    #[inline(always)]
    pub(super) fn set_mark(&self, mark: Mark) {
        self.mark.store(mark as u32, Relaxed);
    }

    pub(super) fn is_joined(&self) -> bool {
        self.joined.load(Relaxed) != 0
    }

    pub(super) fn set_joined(&self, is_joined: bool) {
        self.joined.store(is_joined.into(), Relaxed);
    }

    fn clear(&self) {
        self.joined.store(0, Relaxed);
        self.again.store(0, Relaxed);
        self.mark.store(0, Relaxed);
    }
}

impl HeldList {
    #[inline(always)]
    pub(super) fn length(&self) -> usize {
        self.length.load(Relaxed) % OTHER
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

    /// The lock if it is the only one, taken once.
    #[inline(always)]
    pub(super) fn only(&self, line: &LockLine) -> Option<&Held> {
        let [held, ..] = &self.inline;
        let only = self.length.load(Relaxed) == 1 && std::ptr::eq(held.line(), line) && held.again.load(Relaxed) == 0;
        only.then_some(held)
    }

    /// The lock that was taken first, of those that are held.
    #[inline(always)]
    pub(super) fn first(&self) -> &Held {
        let [held, ..] = &self.inline;
        held
    }

    /// Adds a lock where there is none.
    #[inline(always)]
    pub(super) fn push_only(&self, line: &LockLine) {
        let [held, ..] = &self.inline;
        held.line.store(std::ptr::from_ref(line).cast_mut(), Relaxed);
        self.length.store(self.length.load(Relaxed) + 1, Release);
    }

    /// Takes the only lock out, which was taken once and has no mark.
    #[inline(always)]
    pub(super) fn pop_only(&self) {
        self.length.store(0, Relaxed);
    }

    /// Adds a lock behind the others. The caller has seen that there is room.
    pub(super) fn push(&self, line: &LockLine) {
        let length = self.length();
        self.get(length).line.store(std::ptr::from_ref(line).cast_mut(), Release);
        self.length.store(self.length.load(Relaxed) + 1, Release);
    }

    /// Takes a lock out; those behind it move down by one.
    pub(super) fn remove(&self, index: usize) {
        let last = self.length() - 1;
        for place in index..last {
            let (to, from) = (self.get(place), self.get(place + 1));
            // Release: whoever sees the next lock in the place of this one also sees this one in its new place.
            to.line.store(from.line.load(Relaxed), Release);
            to.again.store(from.again.load(Relaxed), Relaxed);
            to.mark.store(from.mark.load(Relaxed), Relaxed);
            to.joined.store(from.joined.load(Relaxed), Relaxed);
        }
        self.get(last).clear();
        self.length.store(self.length.load(Relaxed) - 1, Release);
    }

    /// Forgets all locks.
    pub(super) fn clear(&self) {
        for index in 0..self.length() {
            self.get(index).clear();
        }
        self.length.store(0, Relaxed);
    }

    /// Whether one of the locks lies in this range of addresses; asked by other threads.
    ///
    /// A lock that is held all the time is found, although its thread takes and releases others meanwhile: it can only
    /// move down, and this looks from the last place to the first, so it cannot slip past.
    pub(super) fn any_within(&self, range: &Range<usize>) -> bool {
        let length = self.length.load(Acquire) % OTHER;
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
