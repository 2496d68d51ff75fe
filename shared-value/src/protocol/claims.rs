//! Claims by counters: how a process shows that it has a block open, and how another process learns that it is closed.
//!
//! ```text
//! a process opens a value                the owner of the directory's lock removes it
//! 1. finds its block, which is present   1. sets the state of the block to removed
//! 2. claims the unit in which it ends    2. looks for claims: first counters, then locks
//! 3. looks at the block again            3. without a claim, frees the block
//! ```
//! Both issue sequentially consistent operations between their first and their last step. So at least one of them sees what the
//! other has done: the process does not open the value, or the space is not used again.
//!
//! A forked child has the handles of its parent at once, and may use them without any call that shows a claim. So before the fork the
//! parent locks all units for it, by the *pin*, which searches see as other locks. Before other code runs in the child, the child
//! ends the pin of the units of which its copy of the counts says that it has no handle. This leaves no handle without a claim: `fork`
//! copies all memory at one moment, so a handle that the child finds was counted in the memory that it has. A count that the parent
//! looked at before the fork could be too low, since other threads open values meanwhile. A unit that the child has is claimed
//! without a gap: by the parent, from before the fork by the pin, and by the child itself before it ends the rest of the pin. Any other
//! unit it has to claim by the steps above.
//!
//! A unit has a *count* of handles in private memory, and a *counter* in the window of the process, for others. Several units have
//! their counters in one word. Only the first handle of a unit and the last one touch the counter.

use crate::protocol::atomics::{AtomicU32, AtomicU64, Ordering, fence};

/// A unit with this count stays claimed: a program has that number of handles only if it leaks them.
const STICKY: u32 = u32::MAX / 2;

/// The word that counts searches is odd while one is under way, and after one whose process has died.
const UNDER_WAY: u64 = 1;

/// Stands in models for the sequential consistency of the operations around it. loom takes their orderings for acquire and release.
#[inline(always)]
fn in_one_order() {
    #[cfg(loom)]
    fence(Ordering::SeqCst);
}

/// Counts a handle, and claims the unit if it is the first one. The caller looks at the block afterwards, by
/// [`look_again`]: its space is not used again from here on, if it was not removed before.
///
/// `one` is what counts one claim in the counter. Returns `false` if the counter is needed and missing.
#[inline(always)]
pub(crate) fn claim<'a>(count: &AtomicU32, one: u64, counter: impl Fn() -> Option<&'a AtomicU64>) -> bool {
    let mut seen = count.load(Ordering::Relaxed);
    loop {
        if seen >= STICKY {
            break;
        }
        if seen != 0 {
            // Sequentially consistent, and so is the addition below: a search that sees no claim, although this one was made
            // before, would have to come before this store, and then the caller sees that the block was removed.
            match count.compare_exchange_weak(seen, seen + 1, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
            continue;
        }
        let Some(counter) = counter() else { return false };
        counter.fetch_add(one, Ordering::SeqCst);
        match count.compare_exchange(0, 1, Ordering::SeqCst, Ordering::Relaxed) {
            Ok(_) => break,
            Err(now) => {
                withdraw(counter, one);
                seen = now;
            }
        }
    }
    in_one_order();
    true
}

/// Returns the first word of a block that this thread has claimed, or may have claimed.
#[inline(always)]
pub(crate) fn look_again(block: &AtomicU64) -> u64 {
    // Either this load sees that the block was removed, or the search sees the claim.
    block.load(Ordering::SeqCst)
}

/// Claims a unit of which this process has inherited handles.
pub(crate) fn show(counter: &AtomicU64, one: u64) {
    counter.fetch_add(one, Ordering::SeqCst);
    in_one_order();
}

/// Ends a claim. For the thread that has counted the last handle down.
#[inline(always)]
pub(crate) fn withdraw(counter: &AtomicU64, one: u64) {
    // Release: all accesses by the handles come first.
    counter.fetch_sub(one, Ordering::Release);
}

/// Counts a handle, and claims nothing.
pub(crate) fn count_up(count: &AtomicU32) {
    // The count stays where it is when it has become this large.
    let _ = count.fetch_update(Ordering::SeqCst, Ordering::Relaxed, |seen| (seen < STICKY).then_some(seen + 1));
}

/// Counts a handle down. Returns whether it was the last one. If `stays` says so, the last one is not counted down, and the unit
/// stays claimed.
#[inline(always)]
pub(crate) fn count_down(count: &AtomicU32, stays: impl Fn() -> bool) -> bool {
    let mut seen = count.load(Ordering::Relaxed);
    loop {
        if seen == 0 || seen >= STICKY || seen == 1 && stays() {
            return false;
        }
        // Release: what this handle did comes first. Acquire: so does what the others did.
        match count.compare_exchange_weak(seen, seen - 1, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => return seen == 1,
            Err(now) => seen = now,
        }
    }
}

/// Returns whether the process has handles of a unit. A forked child asks its copy of the count whether it has inherited any.
pub(crate) fn is_open(count: &AtomicU32) -> bool {
    count.load(Ordering::Relaxed) != 0
}

/// Begins a search for claims of blocks that were removed before.
pub(crate) fn begin_search(searches: &AtomicU64) {
    searches.store(searches.load(Ordering::Relaxed) | UNDER_WAY, Ordering::Relaxed);
    // A process whose claim the search does not see sees that the blocks were removed, or that the search is under way.
    fence(Ordering::SeqCst);
}

/// Returns a word of counters, for a search.
pub(crate) fn counters(word: &AtomicU64) -> u64 {
    // Acquire: pairs with `withdraw`.
    word.load(Ordering::Acquire)
}

/// Ends a search, which has looked for claims of all kinds.
pub(crate) fn end_search(searches: &AtomicU64) {
    // Release: the search comes first.
    searches.store((searches.load(Ordering::Relaxed) | UNDER_WAY).wrapping_add(1), Ordering::Release);
}

/// Returns whether no search is under way that may have missed what this thread has shown.
pub(crate) fn is_quiet(searches: &AtomicU64) -> bool {
    // Sequentially consistent: a search that begins later sees the claims, which were shown before. Acquire: one that has ended
    // has asked for locks.
    searches.load(Ordering::SeqCst) & UNDER_WAY == 0
}
