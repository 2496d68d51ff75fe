//! The event word: a thread sleeps on it until a value is committed. A commit that no thread waits for pays nothing.
//!
//! | bits | name | meaning | set by |
//! |---|---|---|---|
//! | 0 | waiting | a thread may sleep on the word | a waiter, before it sleeps; the thread that wakes the sleepers clears it |
//! | 1-63 | count | how often sleepers were woken | the thread that wakes the sleepers |
//!
//! The kernel compares only the lower half of the word. That is enough: to miss a wake-up, a waiter would have to be woken
//! 2^31 times between its last look at the word and its sleep.
//!
//! A waiter (1) sets the waiting bit, (2) sets the waiters bit of the lock word, as a thread that waits for the lock does,
//! and (3) loads the version, and sleeps if the version has not changed. A thread that releases a lock word with the waiters
//! bit wakes the sleepers of the event word too. No wake-up is lost, because the waiter and the releasing thread each change
//! the lock word in one atomic step:
//!
//! 1. If the waiter's step comes first, the releasing thread finds the waiters bit, and therefore also sees the waiting bit.
//! 2. If the release comes first, the waiter's step acquires the released lock word, and the waiter sees the new version.
//!
//! In all cases the waiter learns of the commit, and the release of a lock without waiters costs nothing extra.
//!
//! A value of an arena has two such words: its own, and that of the arena's directory, on which threads sleep that wait for many
//! values. Such a waiter announces itself in the directory first, then in each value as above. A thread that finds the waiting bit
//! of a value wakes the sleepers of both words. So it looks at the second word only if a thread waits for the value.
//!
//! A commit under a lock that stays held loads the event word without that order. A waiter that has just begun to wait may
//! then sleep until the lock is released, or until its own timeout makes it look again.

use crate::protocol::atomics::{AtomicU64, Ordering, fence};

const WAITING: u64 = 1;

/// Announces a waiter. Returns the word that `sleep` expects.
pub(crate) fn announce(event: &AtomicU64) -> u64 {
    // Relaxed, as are all accesses to this word: the lock word orders them, or fences if a pthread mutex guards the value.
    event.fetch_or(WAITING, Ordering::Relaxed) | WAITING
}

/// Returns whether a thread may sleep on the word.
#[inline(always)]
pub(crate) fn has_waiters(event: &AtomicU64) -> bool {
    event.load(Ordering::Relaxed) & WAITING != 0
}

/// Counts a wake-up, after the waiting bit was seen: a waiter that was announced but does not sleep yet finds a changed word,
/// and stays awake.
///
/// One addition clears the bit and carries into the count. If two threads have seen one announcement, the second sets the
/// bit again: then a later commit finds no sleeper. The word changes in both cases, and each of the two threads wakes all
/// sleepers. There is no loop that a peer could prolong.
pub(crate) fn count(event: &AtomicU64) {
    // Release: a thread that looks again because of this sees the commit.
    event.fetch_add(WAITING, Ordering::Release);
}

/// Returns whether the word is still what `announce` has returned. If it is not, the announcement has to be repeated.
pub(crate) fn is_announced(event: &AtomicU64, announced: u64) -> bool {
    // Acquire: pairs with `count`.
    event.load(Ordering::Acquire) == announced
}

/// Orders the two words of a value in an arena: its own event word and that of the arena's directory. A waiter calls this after
/// it has announced itself in the directory, and before it looks at values. A thread that wakes calls this between the two words.
///
/// Then either the thread that wakes sees the announcement in the directory, or the waiter sees that the word of the value was
/// counted: each changes one word, and looks at the other one after the fence.
pub(crate) fn order() {
    fence(Ordering::SeqCst);
}
