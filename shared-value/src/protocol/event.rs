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
//! A commit under a lock that stays held loads the event word without that order. A waiter that has just begun to wait may
//! then sleep until the lock is released, or until its own timeout makes it look again.

use crate::protocol::atomics::{AtomicU64, Ordering};

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
    event.fetch_add(WAITING, Ordering::Relaxed);
}
