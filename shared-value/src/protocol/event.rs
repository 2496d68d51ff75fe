//! The event word: sleeping until a value is committed, at no cost to commits that nobody waits for.
//!
//! | bits | name | meaning | who sets it |
//! |---|---|---|---|
//! | 0 | waiting | somebody may sleep on the word | a waiter before it sleeps; cleared by whoever wakes |
//! | 1-63 | count | how often sleepers were woken | whoever wakes |
//!
//! The kernel looks at the lower half of it. That is enough: a sleeper would have to be woken 2^31 times between its last
//! look and its sleep to miss that it was.
//!
//! A waiter (1) sets the waiting bit, (2) sets the waiters bit of the lock word, as one does who waits for the lock, (3)
//! looks at the version, and sleeps if that is the one it knows. Whoever releases a lock word that has the waiters bit
//! wakes here too. Each of the two changes the lock word in one step, so one of them comes first. If it is the waiter,
//! the other finds the bit, and with it sees the waiting bit. If it is the other, the waiter acquires what was released,
//! and sees the new version. In all cases no wake-up is lost, and the release of a lock without waiters is what it was.
//!
//! A commit under a lock that is kept looks at the word without that order: a waiter that has just begun to wait may be
//! woken only when the lock is released, or when it looks for itself.

use crate::protocol::atomics::{AtomicU64, Ordering};

const WAITING: u64 = 1;
const ONCE: u64 = 2;

/// Announces a waiter; what it returns is for `sleep`.
pub(crate) fn announce(event: &AtomicU64) -> u64 {
    // Relaxed, as all accesses to this word: the lock word orders them, or the fences where a pthread mutex takes its place.
    event.fetch_or(WAITING, Ordering::Relaxed) | WAITING
}

#[inline(always)]
pub(crate) fn has_waiters(event: &AtomicU64) -> bool {
    event.load(Ordering::Relaxed) & WAITING != 0
}

/// Changes the count, so that a waiter that was announced but does not sleep yet will not.
pub(crate) fn count(event: &AtomicU64) {
    let _ = event.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |seen| Some((seen & !WAITING).wrapping_add(ONCE)));
}
