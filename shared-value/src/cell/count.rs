//! Counting in lanes: which lane a thread adds to.

use crate::cell::Cell;
use crate::cell::parts::LINE;
use crate::format::contents::Contents;
use crate::format::lanes::Lanes;
use crate::lock::Thread;
use crate::lock::lanes::{self as hints, Known, SHARED};
use crate::protocol::lanes::{add_alone, add_shared, is_owned_by, owner, take};
use crate::segment::LaneArea;

const WORD: usize = size_of::<u64>();

impl<C: Contents + ?Sized> Cell<C> {
    /// Returns the lanes of the counters.
    #[inline(always)]
    pub(crate) fn lanes(&self) -> Lanes<'_> {
        self.parts().lanes()
    }

    /// Adds to a counter.
    ///
    /// # Panics
    /// If the value has no counter of this number.
    #[inline(always)]
    pub(crate) fn count(&self, counter: usize, number: u64) {
        let (lanes, last) = (self.lanes(), hints::last());
        if last.lanes != lanes.address() {
            return self.count_slowly(counter, number, false);
        }
        let Some(lane) = lanes.at(last.at) else { return self.count_astray(counter, number) };
        if is_owned_by(lane.owner(), last.owner) {
            add_alone(lane.sum(counter), number);
        } else if last.owner == SHARED && lanes.is_shared(last.at) && hints::is_patient() {
            add_shared(lane.sum(counter), number);
        } else {
            self.count_slowly(counter, number, last.owner == SHARED);
        }
    }

    /// Adds to a counter if the hint leads out of its lanes. A function of its own: otherwise the compiler would join this test with
    /// another one, and compute both conditions before it branches.
    #[cold]
    #[inline(never)]
    fn count_astray(&self, counter: usize, number: u64) {
        self.count_slowly(counter, number, false);
    }

    /// Adds to a counter in a lane that was not used last. If `looks` says so, looks for a free lane although it knows a shared one.
    #[cold]
    #[inline(never)]
    fn count_slowly(&self, counter: usize, number: u64, looks: bool) {
        let lanes = self.lanes();
        let address = lanes.address();
        let Ok(thread) = Thread::current() else {
            // No lock of the library works in this program, so nothing tells whether its threads exist.
            return add_shared(lanes.lane(shared(lanes, hints::number_of_thread())).sum(counter), number);
        };
        let this = thread.owner();
        let kept = hints::find(address).filter(|kept| kept.owner != SHARED || lanes.is_shared(kept.at));
        if let Some(kept) = kept
            && let Some(lane) = lanes.at(kept.at)
        {
            if kept.owner == this && is_owned_by(lane.owner(), this) {
                hints::note(kept);
                return add_alone(lane.sum(counter), number);
            }
            if kept.owner == SHARED && !looks && hints::is_patient() {
                hints::note(kept);
                return add_shared(lane.sum(counter), number);
            }
        }
        let at = |lane: usize| lane * lanes.counts().stride();
        if let Some(lane) = self.own_lane(this, kept.is_none()) {
            hints::note(Known { lanes: address, at: at(lane), owner: this });
            return add_alone(lanes.lane(lane).sum(counter), number);
        }
        let lane = shared(lanes, mixed(this));
        hints::note(Known { lanes: address, at: at(lane), owner: SHARED });
        add_shared(lanes.lane(lane).sum(counter), number);
    }

    /// Returns the number of a lane that this thread owns from now on: its own, a free one, or one whose owner is gone.
    fn own_lane(&self, this: u64, is_new: bool) -> Option<usize> {
        let (lanes, segment) = (self.lanes(), self.shared_segment());
        let count = lanes.counts().owned();
        // Threads begin at different lanes, so that they seldom want the same one.
        let order = || (0..count).map(|number| (mixed(this) + number) % count);
        let is_own = |number: &usize| is_owned_by(lanes.lane(*number).owner(), this);
        if let Some(own) = order().find(is_own) {
            return Some(own);
        }
        let is_free = |number: &usize| {
            let word = lanes.lane(*number).owner();
            owner(word) == 0 && take(word, 0, this)
        };
        let is_left = |number: &usize| {
            let word = lanes.lane(*number).owner();
            let seen = owner(word);
            segment.is_lane_owner_gone(seen) && take(word, seen, this)
        };
        let taken = order().find(is_free).or_else(|| {
            let asks = hints::may_ask() || is_new;
            order().filter(|_| asks).find(is_left)
        })?;
        // After the lane was taken: this allocates, and an allocator that counts its calls in this counter finds the lane then.
        let start = self.start() + LINE + self.shape().lanes_start() * WORD;
        segment.note_lanes(LaneArea { start, stride: lanes.counts().stride() * WORD, count });
        Some(taken)
    }
}

/// Returns the number of a shared lane.
fn shared(lanes: Lanes<'_>, number: usize) -> usize {
    let (all, owned) = (lanes.counts().lanes, lanes.counts().owned());
    owned + number % (all - owned)
}

/// Returns a number that differs between most owners, also between those whose threads were started one after the other.
fn mixed(owner: u64) -> usize {
    (owner.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize
}
