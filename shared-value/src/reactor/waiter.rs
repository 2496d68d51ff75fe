//! `Waiter`: what a task waits for.

use std::sync::atomic::AtomicUsize;

use crate::cell::Cell;
use crate::format::contents::Untyped;
use crate::protocol::atomics::Ordering::Relaxed;
use crate::reactor::announce;
use crate::reactor::words::Word;

/// What a task waits for. It belongs to the task: while the reactor knows it, the task keeps a reference too.
#[derive(Debug)]
pub(super) struct Waiter {
    cell: Cell<Untyped>,
    /// The version that the task has seen.
    seen: u64,
    /// Whether the value can be written, so that the thread that commits can be told.
    is_announced: bool,
    /// Where the registration lies. Used only while the registrations are locked.
    pub(super) place: AtomicUsize,
}

impl Waiter {
    pub(super) fn new(cell: Cell<Untyped>, seen: u64, is_announced: bool) -> Self {
        Self { cell, seen, is_announced, place: AtomicUsize::new(usize::MAX) }
    }

    /// Announces the task in the value. Returns the event word.
    pub(super) fn announce(&self) -> u64 {
        if self.is_announced { announce(&self.cell) } else { 0 }
    }

    /// Returns the word to sleep on until there may be a change, if a thread that commits can be told: `announced` is from
    /// `announce`.
    pub(super) fn word(&self, announced: u64) -> Option<Word> {
        let address = self.cell.event().as_ptr().addr();
        self.is_announced.then_some(Word { address, expected: announced })
    }

    /// Returns whether the task has something to do. Announces it again if the event word is not `announced` any more.
    /// Allocates no memory, and takes no lock.
    pub(super) fn look(&self, announced: &mut u64) -> bool {
        if self.is_announced && self.cell.event().load(Relaxed) != *announced {
            *announced = announce(&self.cell);
        }
        // A version that a record decides about, which cannot be found, does not count: the record will be found later, or the
        // version becomes another one.
        let now = self.cell.look_decided(false).map(|candidate| candidate.version());
        now.is_some_and(|now| now != self.seen) || self.cell.is_replaced()
    }
}
