//! `Held`: the locks that a thread holds, in memory that no other process can write.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

use crate::lock::line::LockLine;
use crate::sys::robust::{WORD_BEHIND_NODE, same};

/// The most locks that one thread may hold.
///
/// The kernel releases 2,048 locks of a dying thread (`ROBUST_LIST_LIMIT`). The rest is left to other robust mutexes.
pub(crate) const MAX_HELD: usize = 2_000;

/// Enough for most threads, without an allocation of its own.
const INLINE: usize = 8;

/// The locks that one thread holds, in the order in which it took them.
///
/// Only that thread writes here, except that `fork` clears the records of all threads in the child. Others read it,
/// under the registry's mutex, to see whether memory may be unmapped. The atomics serve those readers; they cost what
/// plain fields would.
#[derive(Debug, Default)]
pub(crate) struct HeldList {
    length: AtomicUsize,
    inline: [Held; INLINE],
    more: OnceLock<Box<[Held]>>,
}

/// A lock that a thread holds. All but `line` are zero in entries that are not in use, so that taking a lock stores
/// little.
#[derive(Debug, Default)]
pub(crate) struct Held {
    line: AtomicPtr<LockLine>,
    /// What the lock was put before in the robust list, if that was not the lock taken before it (or the list's end),
    /// but a mutex of the C library; else 0.
    pub(super) foreign_below: AtomicU64,
    /// How often the thread has taken the lock again without releasing it.
    pub(super) again: AtomicU32,
    /// A mark for whoever uses the lock.
    pub(super) borrowed: AtomicBool,
}

impl Held {
    /// The address that stands for the lock in the robust list.
    #[inline(always)]
    pub(super) fn node(&self) -> u64 {
        self.line.load(Relaxed).wrapping_byte_add(WORD_BEHIND_NODE).addr() as u64
    }

    fn clear(&self) {
        self.foreign_below.store(0, Relaxed);
        self.again.store(0, Relaxed);
        self.borrowed.store(false, Relaxed);
    }
}

impl HeldList {
    #[inline(always)]
    pub(super) fn length(&self) -> usize {
        self.length.load(Relaxed)
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
        let wanted: *const LockLine = line;
        (0..self.length()).rev().find(|index| self.get(*index).line.load(Relaxed).cast_const() == wanted)
    }

    /// The place of the lock that stands for this address in the robust list.
    pub(super) fn find_node(&self, node: u64) -> Option<usize> {
        (0..self.length()).rev().find(|index| same(self.get(*index).node(), node))
    }

    /// Whether this is the only lock, taken once.
    #[inline(always)]
    pub(super) fn is_only(&self, line: &LockLine) -> bool {
        let [held, ..] = &self.inline;
        self.length() == 1 && std::ptr::eq(held.line.load(Relaxed), line) && held.again.load(Relaxed) == 0
    }

    /// Adds a lock where there is none.
    #[inline(always)]
    pub(super) fn push_only(&self, line: &LockLine) {
        let [held, ..] = &self.inline;
        held.line.store(std::ptr::from_ref(line).cast_mut(), Relaxed);
        self.length.store(1, Relaxed);
    }

    /// Takes the only lock out, which was taken once and is not borrowed.
    #[inline(always)]
    pub(super) fn pop_only(&self) {
        self.length.store(0, Relaxed);
    }

    /// Adds a lock behind the others. The caller has seen that there is room.
    pub(super) fn push(&self, line: &LockLine, foreign_below: u64) {
        let length = self.length();
        let held = self.get(length);
        held.line.store(std::ptr::from_ref(line).cast_mut(), Relaxed);
        held.foreign_below.store(foreign_below, Relaxed);
        self.length.store(length + 1, Relaxed);
    }

    /// Takes a lock out; those behind it move up.
    pub(super) fn remove(&self, index: usize) {
        let last = self.length() - 1;
        for place in index..last {
            let (to, from) = (self.get(place), self.get(place + 1));
            to.line.store(from.line.load(Relaxed), Relaxed);
            to.foreign_below.store(from.foreign_below.load(Relaxed), Relaxed);
            to.again.store(from.again.load(Relaxed), Relaxed);
            to.borrowed.store(from.borrowed.load(Relaxed), Relaxed);
        }
        self.get(last).clear();
        self.length.store(last, Relaxed);
    }

    /// Forgets all locks.
    pub(super) fn clear(&self) {
        for index in 0..self.length() {
            self.get(index).clear();
        }
        self.length.store(0, Relaxed);
    }

    /// Whether one of the locks lies in this range of addresses.
    pub(super) fn any_within(&self, range: &Range<usize>) -> bool {
        (0..self.length()).any(|index| range.contains(&self.get(index).line.load(Relaxed).addr()))
    }
}
