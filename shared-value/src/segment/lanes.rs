//! The lanes of counters in a segment that threads of this process have taken, to be given back.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{Acquire, Release};

use crate::lock;
use crate::protocol::lanes;
use crate::protocol::lock_word::process_and_thread;
use crate::segment::mapping::Mapping;

/// The lanes of one value that can be owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LaneArea {
    /// Where the first lane starts in the segment.
    pub(crate) start: usize,
    /// The bytes from one lane to the next one.
    pub(crate) stride: usize,
    pub(crate) count: usize,
}

/// The areas in which this process has taken lanes. Areas are only added: another thread may add one at the moment of a `fork`, and
/// a lock would then stay locked in the child.
#[derive(Debug, Default)]
pub(super) struct TakenLanes {
    first: AtomicPtr<Node>,
}

#[derive(Debug)]
struct Node {
    area: LaneArea,
    next: *mut Node,
}

// SAFETY: a node never changes after it was added, and is freed only by the drop of the list.
unsafe impl Send for TakenLanes {}
// SAFETY: as for `Send`.
unsafe impl Sync for TakenLanes {}

impl TakenLanes {
    fn areas(&self) -> impl Iterator<Item = LaneArea> {
        let mut next = self.first.load(Acquire);
        std::iter::from_fn(move || {
            // SAFETY: the pointer is null, or leads to a node that `add` has made and that lasts as long as the list.
            let node = unsafe { next.as_ref() }?;
            next = node.next;
            Some(node.area)
        })
    }

    fn add(&self, area: LaneArea) {
        if self.areas().any(|known| known == area) {
            return;
        }
        let node = Box::into_raw(Box::new(Node { area, next: ptr::null_mut() }));
        let mut first = self.first.load(Acquire);
        loop {
            // SAFETY: no other thread knows the node yet.
            unsafe { (*node).next = first };
            match self.first.compare_exchange(first, node, Release, Acquire) {
                Ok(_) => return,
                Err(other) => first = other,
            }
        }
    }
}

impl Drop for TakenLanes {
    fn drop(&mut self) {
        let mut next = *self.first.get_mut();
        while !next.is_null() {
            // SAFETY: `add` has made the node by `Box::into_raw`, and nothing else frees it.
            let node = unsafe { Box::from_raw(next) };
            next = node.next;
        }
    }
}

impl Mapping {
    /// Notes where a thread of this process has taken a lane.
    pub(crate) fn note_lanes(&self, area: LaneArea) {
        self.taken_lanes.add(area);
    }

    /// Returns whether the owner of a lane is known not to exist.
    pub(crate) fn is_lane_owner_gone(&self, owner: u64) -> bool {
        self.is_gone(owner)
    }

    /// Gives back the lanes whose owner is one of these.
    ///
    /// The space of a value that was removed from an arena may be that of another one by now. A word there is no owner by accident:
    /// an owner has 32 random bits, and more.
    pub(super) fn give_back_lanes(&self, is_one: impl Fn(u64) -> bool) {
        for area in self.taken_lanes.areas() {
            let places = (0..area.count).map(|number| area.start + number * area.stride);
            for owner in places.filter_map(|place| self.words(place, 1)?.first()) {
                let seen = lanes::owner(owner);
                if seen != 0 && is_one(seen) {
                    lanes::give_back(owner, seen);
                }
            }
        }
    }

    /// Gives back the lanes of all threads of this process, none of which uses the segment any more.
    ///
    /// Nothing is given back if this process is not vouched for: then it may have mapped the segment again already.
    pub(super) fn give_back_all_lanes(&self) {
        let own = lock::process::id();
        if own != 0 {
            self.give_back_lanes(|owner| process_and_thread(owner).0 == own);
        }
    }
}
