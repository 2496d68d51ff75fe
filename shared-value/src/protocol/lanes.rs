//! Lanes: how many threads add to one counter without sharing a cache line.
//!
//! A counter has many sums, one in each lane. Some lanes can be owned: only the owner writes to their sums, by a load and a store.
//! The other lanes are shared: every thread may add to their sums, by an atomic addition. The total is the sum of all.
//!
//! | owner | state of a lane that can be owned |
//! |---|---|
//! | 0 | free: the next thread takes it by a compare-and-swap |
//! | names a thread | only this thread adds to the sums, and it looks at the owner before each addition |
//! | names a thread that is gone | the next thread takes it by a compare-and-swap; the sums stay |
//!
//! An owner that dies at any moment leaves sums that lack at most the addition that it was making. Nothing has to be repaired.

use crate::protocol::atomics::{AtomicU64, Ordering};
use crate::protocol::fault;

/// Returns whether the lane names this owner: no other thread then writes to its sums.
#[inline(always)]
pub(crate) fn is_owned_by(owner: &AtomicU64, this: u64) -> bool {
    if fault::is_chosen("any_owner") {
        return owner.load(Ordering::Relaxed) != 0;
    }
    // Relaxed: only the owner writes its own name.
    owner.load(Ordering::Relaxed) == this
}

/// Returns the word that names the owner of the lane; 0 if it is free.
pub(crate) fn owner(owner: &AtomicU64) -> u64 {
    owner.load(Ordering::Relaxed)
}

/// Takes a lane that was free, or whose owner is gone, as `seen` says. Returns whether this thread owns it now.
pub(crate) fn take(owner: &AtomicU64, seen: u64, this: u64) -> bool {
    // Acquire: pairs with `give_back`, so that this thread adds to the sums that the last owner has left. The sums of an owner that
    // is gone are seen because the kernel has ended that owner before it told this thread.
    owner.compare_exchange(seen, this, Ordering::Acquire, Ordering::Relaxed).is_ok()
}

/// Gives a lane back, if it still names this owner, who adds to it no more.
pub(crate) fn give_back(owner: &AtomicU64, this: u64) {
    // Release: the sums were stored before.
    let _ = owner.compare_exchange(this, 0, Ordering::Release, Ordering::Relaxed);
}

/// Adds to a sum of a lane that this thread owns.
#[inline(always)]
pub(crate) fn add_alone(sum: &AtomicU64, number: u64) {
    // A death before the store loses this addition, and no other. Release: a reader that sees the addition sees what came before it.
    let total = sum.load(Ordering::Relaxed).wrapping_add(number);
    if fault::is_chosen("add_in_steps") {
        sum.store(0, Ordering::Relaxed);
    }
    sum.store(total, Ordering::Release);
}

/// Adds to a sum of a shared lane.
#[inline(always)]
pub(crate) fn add_shared(sum: &AtomicU64, number: u64) {
    if fault::is_chosen("share_alone") {
        return add_alone(sum, number);
    }
    // Release: as above.
    sum.fetch_add(number, Ordering::Release);
}

/// Returns a sum.
#[inline]
pub(crate) fn sum(sum: &AtomicU64) -> u64 {
    // Acquire: pairs with both additions. A reader that knows a baseline sees at least the sums that it was made of.
    sum.load(Ordering::Acquire)
}
