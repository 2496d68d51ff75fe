//! The lanes of counters in a segment that threads of this process have taken, to be given back.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{Acquire, Release};

use crate::protocol::atomics::AtomicU64;
use crate::protocol::lanes;

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

    pub(super) fn add(&self, area: LaneArea) {
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

    /// Gives back the lanes whose owner is one of these. `word` returns the word at an offset of the segment.
    ///
    /// The space of a value that was removed from an arena may be that of another one by now. A word there is no owner by accident:
    /// an owner has 32 random bits, and more.
    pub(super) fn give_back<'a>(&self, word: impl Fn(usize) -> Option<&'a AtomicU64>, is_one: impl Fn(u64) -> bool) {
        for area in self.areas() {
            let places = (0..area.count).map(|number| area.start + number * area.stride);
            for owner in places.filter_map(&word) {
                let seen = lanes::owner(owner);
                if seen != 0 && is_one(seen) {
                    lanes::give_back(owner, seen);
                }
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
