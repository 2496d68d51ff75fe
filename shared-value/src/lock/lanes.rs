//! The lanes that the calling thread adds to: where it looks first.
//!
//! These are hints: the memory behind an address may be another value by now. Each lane names its owner in shared memory, and a
//! thread looks there before each addition. A shared lane names none: the thread looks whether the value has a shared lane there.
//! A forked child forgets all hints, because it is not the owner of its parent's lanes; so does a thread that ends.

use std::cell::Cell;
use std::time::Instant;

/// A lane of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// Where the lanes of the value lie in the memory of this process; 0 for none.
    pub(crate) lanes: usize,
    /// The first word of the lane, counted from there.
    pub(crate) at: usize,
    /// What names the calling thread in the lane, or `SHARED`.
    pub(crate) owner: u64,
}

/// Stands for the owner of a shared lane. It names no thread, and no lane has it as its owner: so a look at the lane finds another
/// owner.
pub(crate) const SHARED: u64 = u64::MAX;

const NONE: Known = Known { lanes: 0, at: 0, owner: SHARED };

/// How many values a thread finds again at once, beside the last one.
const KEPT: usize = 16;

/// After this many additions to shared lanes, a thread looks whether a lane is free.
const PATIENCE: u32 = 4096;

struct Lanes {
    /// The lane that was used last.
    last: Cell<Known>,
    kept: [Cell<Known>; KEPT],
    /// How many more additions go to shared lanes before the next look for a free lane.
    left: Cell<u32>,
    /// When this thread last asked whether owners exist.
    asked: Cell<Option<Instant>>,
    /// Whether this thread has owned a lane.
    has_owned: Cell<bool>,
}

thread_local! {
    /// It has no destructor, so it works until the thread is gone.
    static LANES: Lanes = const {
        Lanes {
            last: Cell::new(NONE),
            kept: [const { Cell::new(NONE) }; KEPT],
            left: Cell::new(0),
            asked: Cell::new(None),
            has_owned: Cell::new(false),
        }
    };
}

/// Returns the lane that this thread has used last.
#[inline(always)]
pub(crate) fn last() -> Known {
    LANES.with(|lanes| lanes.last.get())
}

/// Returns the lane that this thread uses in the lanes at this address.
pub(crate) fn find(address: usize) -> Option<Known> {
    let kept = LANES.with(|lanes| lanes.kept[place_of(address)].get());
    (kept.lanes == address).then_some(kept)
}

/// Notes which lane this thread uses.
pub(crate) fn note(known: Known) {
    LANES.with(|lanes| {
        lanes.last.set(known);
        lanes.kept[place_of(known.lanes)].set(known);
        lanes.has_owned.set(lanes.has_owned.get() || known.owner != SHARED);
    });
}

/// Counts an addition to a shared lane. Returns `false` if it is time to look for a free lane instead.
#[inline(always)]
pub(crate) fn is_patient() -> bool {
    LANES.with(|lanes| {
        let left = lanes.left.get();
        lanes.left.set(if left == 0 { PATIENCE } else { left - 1 });
        left != 0
    })
}

/// Returns whether this thread has not asked for a while whether owners exist, and notes that it asks now.
pub(crate) fn may_ask() -> bool {
    let now = Instant::now();
    LANES.with(|lanes| {
        let may = lanes.asked.get().is_none_or(|asked| now.duration_since(asked) >= super::process::PATIENCE / 10);
        if may {
            lanes.asked.set(Some(now));
        }
        may
    })
}

/// Returns a number that differs between the threads of a process, for threads that have no name of their own.
pub(crate) fn number_of_thread() -> usize {
    LANES.with(|lanes| std::ptr::from_ref(lanes).addr() >> 12)
}

/// Forgets all lanes. Returns whether the thread may own some.
pub(super) fn forget() -> bool {
    LANES.with(|lanes| {
        lanes.last.set(NONE);
        lanes.kept.iter().for_each(|kept| kept.set(NONE));
        lanes.asked.set(None);
        lanes.has_owned.replace(false)
    })
}

/// Returns where the lane of a value is kept. Values in segments of their own begin at the same place of a page.
fn place_of(address: usize) -> usize {
    ((address >> 6) ^ (address >> 12)) % KEPT
}
