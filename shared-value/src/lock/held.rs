//! `HeldList`: the locks that a thread holds, in memory that no other process can write.

use std::io;
use std::ops::Range;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize};

use crate::lock::line::LockLine;
use crate::lock::storage;

/// The most locks that one thread may hold.
///
/// The kernel releases 2,048 locks of a dying thread (`ROBUST_LIST_LIMIT`). The rest is left for robust mutexes of the
/// program.
pub(crate) const MAX_HELD: usize = 2_000;

/// How many times one thread may take one lock without releasing it.
pub(crate) const MAX_DEPTH: u32 = 65_535;

/// The unit of further holds in `HeldList::holds`.
const FURTHER: usize = 1 << 16;
const _: () = assert!(MAX_HELD < FURTHER);

/// The number of entries that need no further memory, which is enough for most threads.
const INLINE: usize = 8;

/// The locks that one thread holds, in the order in which it took them.
///
/// Only that thread writes here; in a forked child, the hook of `fork` clears the list. Other threads read the list to find
/// out whether memory may be unmapped: therefore the fields are atomics.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct HeldList {
    /// Zero while the thread holds nothing.
    ///
    /// | bits | meaning |
    /// |---|---|
    /// | 0-15 | the number of locks in this list |
    /// | 16-63 | the number of further holds: locks that were taken again, and pthread mutexes, which have a list of their own |
    holds: AtomicUsize,
    /// The first entries. An entry that is not in use has depth 0, and its `lock` is not the address of a lock: it is null,
    /// or contains a mark.
    inline: [Held; INLINE],
    /// The other entries, as soon as they are needed.
    more: OnceLock<&'static [Held]>,
}

/// A lock that a thread holds.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// The address of the lock. Locks lie at multiples of 8, so the lower bits are free for the thread's notes about the
    /// lock:
    ///
    /// | bits | meaning |
    /// |---|---|
    /// | 0-1 | the mark |
    /// | 2 | a transaction holds the lock |
    lock: AtomicPtr<LockLine>,
    /// How often the thread has taken the lock again without releasing it.
    depth: AtomicU64,
}

const MARK: usize = 0b011;
const JOINED: usize = 0b100;
const _: () = assert!(MARK | JOINED < align_of::<LockLine>());

/// A thread's note about a lock that it holds, for the layers above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    None = 0,
    /// An `update` has borrowed the value that the lock guards.
    Borrowed = 1,
    /// A panic has passed through a guard that was not the last hold.
    Unwound = 2,
}

impl Held {
    /// Returns the lock, which is mapped while it is held.
    #[inline(always)]
    pub(super) fn line(&self) -> *const LockLine {
        self.lock.load(Relaxed).map_addr(|address| address & !(MARK | JOINED))
    }

    /// Returns how often the thread has taken the lock again.
    pub(super) fn depth(&self) -> u64 {
        self.depth.load(Relaxed)
    }

    pub(super) fn mark(&self) -> Mark {
        match self.lock.load(Relaxed).addr() & MARK {
            0 => Mark::None,
            1 => Mark::Borrowed,
            _ => Mark::Unwound,
        }
    }

    pub(super) fn set_mark(&self, mark: Mark) {
        self.note(MARK, mark as usize);
    }

    pub(super) fn is_joined(&self) -> bool {
        self.lock.load(Relaxed).addr() & JOINED != 0
    }

    pub(super) fn set_joined(&self, is_joined: bool) {
        self.note(JOINED, if is_joined { JOINED } else { 0 });
    }

    fn note(&self, bits: usize, noted: usize) {
        let lock = self.lock.load(Relaxed).map_addr(|address| address & !bits | noted);
        // Release: this store may replace one of `HeldList::remove`, and is ordered for the same reason.
        self.lock.store(lock, Release);
    }

    /// Returns whether this entry records the lock, with this mark and nothing else noted.
    #[inline(always)]
    fn is(&self, line: &LockLine, mark: Mark) -> bool {
        ptr::eq(self.lock.load(Relaxed), marked(line, mark))
    }

    fn clear(&self) {
        // Release: for the same reason as in `HeldList::remove`.
        self.lock.store(ptr::null_mut(), Release);
        self.depth.store(0, Relaxed);
    }
}

#[inline(always)]
fn marked(line: &LockLine, mark: Mark) -> *mut LockLine {
    ptr::from_ref(line).cast_mut().map_addr(|address| address | mark as usize)
}

impl HeldList {
    /// Returns the number of locks in this list.
    #[inline(always)]
    pub(super) fn length(&self) -> usize {
        self.holds.load(Relaxed) % FURTHER
    }

    /// Returns whether the thread holds no lock and no pthread mutex.
    #[inline(always)]
    pub(super) fn is_clear(&self) -> bool {
        self.holds.load(Relaxed) == 0
    }

    /// Counts a hold that adds no lock to this list.
    #[inline(always)]
    pub(super) fn add_further(&self) {
        // Release: pairs with the load of `any_within`, like all stores to `holds` except those of zero.
        self.holds.store(self.holds.load(Relaxed) + FURTHER, Release);
    }

    /// Undoes `add_further`.
    #[inline(always)]
    pub(super) fn remove_further(&self) {
        self.holds.store(self.holds.load(Relaxed) - FURTHER, Release);
    }

    #[inline(always)]
    fn first(&self) -> &Held {
        let [first, ..] = &self.inline;
        first
    }

    /// Returns the entry at an index below `length`.
    #[inline(always)]
    pub(super) fn get(&self, index: usize) -> &Held {
        match self.inline.get(index) {
            Some(held) => held,
            None => self.get_more(index - INLINE),
        }
    }

    #[cold]
    fn get_more(&self, index: usize) -> &Held {
        &self.more.get().expect("`make_room` comes before `push`")[index]
    }

    /// Gets the memory that `push` needs to add a lock, which must not wait until the lock is half taken.
    ///
    /// # Errors
    /// The kernel's error if there is no memory.
    pub(super) fn make_room(&self) -> io::Result<()> {
        if self.length() >= INLINE && self.more.get().is_none() {
            // Only the thread itself adds locks, so nothing has set the entries meanwhile.
            let _ = self.more.set(storage::leaked(MAX_HELD - INLINE)?);
        }
        Ok(())
    }

    /// Returns the index of a lock, if the thread holds it.
    #[inline]
    pub(super) fn find(&self, line: &LockLine) -> Option<usize> {
        let newest = self.length().checked_sub(1)?;
        let is_it = |index: usize| ptr::eq(self.get(index).line(), line);
        if is_it(newest) { Some(newest) } else { (0..newest).rev().find(|index| is_it(*index)) }
    }

    /// Returns whether one of the locks has this mark.
    pub(super) fn has_any(&self, mark: Mark) -> bool {
        (0..self.length()).any(|index| self.get(index).mark() == mark)
    }

    /// Returns whether the lock is the first one in the list, with nothing noted. If it is not, callers search the list.
    #[inline(always)]
    pub(super) fn is_plain(&self, line: &LockLine) -> bool {
        self.first().is(line, Mark::None)
    }

    /// Returns whether the thread holds this lock once, with this mark and nothing else noted, and holds nothing else.
    #[inline(always)]
    pub(super) fn is_only(&self, line: &LockLine, mark: Mark) -> bool {
        self.holds.load(Relaxed) == 1 && self.first().is(line, mark)
    }

    /// Counts that the lock at an index was taken again. Returns `false` if it was taken too often already.
    #[inline(always)]
    pub(super) fn deepen(&self, index: usize) -> bool {
        let (held, most) = (self.get(index), u64::from(MAX_DEPTH) - 1);
        let depth = held.depth.load(Relaxed);
        if depth >= most {
            return false;
        }
        held.depth.store(depth + 1, Relaxed);
        self.add_further();
        true
    }

    /// Undoes the last `deepen` of the lock at an index. Returns `false` if there is no `deepen` to undo.
    #[inline(always)]
    pub(super) fn rise(&self, index: usize) -> bool {
        let held = self.get(index);
        let depth = held.depth.load(Relaxed);
        if depth == 0 {
            return false;
        }
        held.depth.store(depth - 1, Relaxed);
        self.remove_further();
        true
    }

    /// Adds a lock after the others. The caller has checked that the thread may hold one more, and called `make_room`.
    pub(super) fn push(&self, line: &LockLine) {
        self.push_noted(line, 0);
    }

    /// Adds a lock that a transaction holds, as `push` does.
    pub(super) fn push_joined(&self, line: &LockLine) {
        self.push_noted(line, JOINED);
    }

    #[inline]
    fn push_noted(&self, line: &LockLine, noted: usize) {
        let lock = marked(line, Mark::None).map_addr(|address| address | noted);
        self.get(self.length()).lock.store(lock, Release);
        self.holds.store(self.holds.load(Relaxed) + 1, Release);
    }

    /// Adds a lock to a list that `is_clear`.
    #[inline(always)]
    pub(super) fn push_only(&self, line: &LockLine, mark: Mark) {
        self.first().lock.store(marked(line, mark), Relaxed);
        self.holds.store(1, Release);
    }

    /// Removes the only lock. The caller knows from `is_only` that it has this mark.
    #[inline(always)]
    pub(super) fn pop_only(&self, mark: Mark) {
        // An entry with a mark can stay: it does not equal the address of a lock.
        if mark == Mark::None {
            self.first().lock.store(ptr::null_mut(), Relaxed);
        }
        self.holds.store(0, Relaxed);
    }

    /// Removes the lock at an index, however often it was taken. The locks after it move down by one.
    pub(super) fn remove(&self, index: usize) {
        let last = self.length() - 1;
        let further = usize::try_from(self.get(index).depth()).expect("at most `MAX_DEPTH`");
        for index in index..last {
            let (to, from) = (self.get(index), self.get(index + 1));
            // Release: a thread that no longer finds a lock at its old index finds it at its new one.
            to.lock.store(from.lock.load(Relaxed), Release);
            to.depth.store(from.depth.load(Relaxed), Relaxed);
        }
        self.get(last).clear();
        self.holds.store(self.holds.load(Relaxed) - 1 - further * FURTHER, Release);
    }

    /// Removes all locks.
    pub(super) fn clear(&self) {
        for index in 0..self.length() {
            self.get(index).clear();
        }
        self.holds.store(0, Relaxed);
    }

    /// Returns whether one of the locks lies in this range of addresses. Other threads call this.
    ///
    /// A lock that is held during the whole call is found, even if its thread takes and releases other locks during the
    /// call: a lock only moves down, and this function searches from the last index to the first.
    pub(super) fn any_within(&self, range: &Range<usize>) -> bool {
        let length = self.holds.load(Acquire) % FURTHER;
        (0..length).rev().any(|index| range.contains(&self.get(index).lock.load(Acquire).addr()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A released lock must not count as plain, and a lock that was taken twice must not count as the only hold. Otherwise
    /// the lock would be released too early, or the value written while it is borrowed.
    #[test]
    fn a_lock_is_plain_and_the_only_one_exactly_while_that_is_true() {
        let list = HeldList::default();
        let [first, second] = [(); 2].map(|()| LockLine::default());
        let only = |mark| list.is_only(&first, mark);

        list.push_only(&first, Mark::None);
        assert!(list.is_plain(&first) && only(Mark::None) && !only(Mark::Borrowed));
        assert!(list.deepen(0) && list.is_plain(&first) && !only(Mark::None));
        assert!(list.rise(0) && only(Mark::None) && !list.rise(0));
        list.get(0).set_joined(true);
        assert!(!list.is_plain(&first) && list.find(&first) == Some(0));
        list.get(0).set_mark(Mark::Unwound);
        list.get(0).set_joined(false);
        assert!(list.get(0).mark() == Mark::Unwound && !list.is_plain(&first));
        list.get(0).set_mark(Mark::None);
        list.push(&second);
        assert!(list.is_plain(&first) && !list.is_plain(&second) && !only(Mark::None));
        list.remove(0);
        assert!(list.is_only(&second, Mark::None) && !list.is_plain(&first));
        list.pop_only(Mark::None);
        assert!(list.is_clear() && !list.is_plain(&second));

        list.push_only(&first, Mark::Borrowed);
        assert!(only(Mark::Borrowed) && !list.is_plain(&first));
        list.pop_only(Mark::Borrowed);
        list.add_further();
        assert!(!list.is_clear() && !list.is_plain(&first) && list.find(&first).is_none());
    }

    /// If the note were missing, `leave` would not release the lock. If a search found only the newest lock, a thread would take
    /// an older one twice, and wait for itself.
    #[test]
    fn locks_of_a_transaction_are_found_and_known_as_such() {
        let list = HeldList::default();
        let lines = [(); 3].map(|()| LockLine::default());
        assert!(list.find(&lines[0]).is_none());
        list.push(&lines[0]);
        list.push_joined(&lines[1]);
        list.push_joined(&lines[2]);
        assert_eq!([0, 1, 2].map(|index| list.find(&lines[index])), [Some(0), Some(1), Some(2)]);
        assert_eq!([0, 1, 2].map(|index| list.get(index).is_joined()), [false, true, true]);
        assert!(!list.has_any(Mark::Unwound));
        list.get(1).set_mark(Mark::Unwound);
        assert!(list.has_any(Mark::Unwound) && list.get(1).is_joined());
        list.remove(1);
        assert!(!list.has_any(Mark::Unwound) && list.find(&lines[2]) == Some(1) && list.find(&lines[1]).is_none());
    }

    /// A stale count of holds would keep the thread off its fast paths, or underflow.
    #[test]
    fn a_lock_that_was_taken_again_is_removed_with_all_its_holds() {
        let list = HeldList::default();
        let [first, second] = [(); 2].map(|()| LockLine::default());
        list.push(&first);
        list.push(&second);
        for _ in 1..MAX_DEPTH {
            assert!(list.deepen(0));
        }
        assert!(!list.deepen(0), "taken {MAX_DEPTH} times");
        assert!(list.deepen(1));
        list.remove(0);
        assert!(list.rise(0) && list.is_only(&second, Mark::None));
        list.remove(0);
        assert!(list.is_clear());
    }

    /// If the list is searched from the first index to the last, a lock that moves down during the search is missed, and its
    /// memory is unmapped.
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
