//! `Waiter`: what a task waits for.

use std::sync::atomic::AtomicUsize;

use crate::cell::Cell;
use crate::format::contents::Untyped;
use crate::protocol::atomics::Ordering::Relaxed;
use crate::protocol::retired::Standing;
use crate::reactor::announce;
use crate::reactor::words::Word;

/// What a task waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Awaited {
    /// A version other than this one.
    Commit { seen: u64 },
    /// A wake-up by the event word. The task looks for itself whether there is what it waits for.
    Event,
}

/// What a task waits for, and where. It belongs to the task: while the reactor knows it, the task keeps a reference too.
#[derive(Debug)]
pub(super) struct Waiter {
    cell: Cell<Untyped>,
    awaited: Awaited,
    /// Whether the value can be written, so that the thread that commits can be told.
    is_announced: bool,
    /// Where the registration lies. Used only while the registrations are locked.
    pub(super) place: AtomicUsize,
}

impl Waiter {
    pub(super) fn new(cell: Cell<Untyped>, awaited: Awaited, is_announced: bool) -> Self {
        Self { cell, awaited, is_announced, place: AtomicUsize::new(usize::MAX) }
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

    /// Looks whether the task has something to do. Announces it again if the event word is not `announced` any more, or if the
    /// thread that released the lock has died before it looked at the event word. Allocates no memory, takes no lock, and makes no
    /// system call.
    pub(super) fn look(&self, announced: &mut u64) -> Looked {
        if self.is_announced {
            if self.cell.event().load(Relaxed) != *announced {
                if matches!(self.awaited, Awaited::Event) {
                    return Looked::Ready;
                }
                *announced = announce(&self.cell);
            } else if !self.cell.is_called_back() {
                self.cell.call_back();
            }
        }
        let Awaited::Commit { seen } = self.awaited else { return Looked::Unclear };
        let now = self.cell.look_decided(false).map(|candidate| candidate.version());
        match (now, self.cell.standing()) {
            (_, Standing::Replaced) => Looked::Ready,
            (Some(now), _) if now != seen => Looked::Ready,
            (None, _) | (_, Standing::Pending { .. }) => Looked::Unclear,
            (Some(_), Standing::InPlace | Standing::Unlinked) => Looked::Unchanged,
        }
    }
}

/// The result of a look at a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    Unchanged,
    /// The task has something to do.
    Ready,
    /// A record decides about the version, which cannot be found, or a thread has died while it replaced the value, or the task
    /// waits for more than this value. The task finds out.
    Unclear,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::RETIRED;
    use crate::handle::synchronized::Synchronized;
    use crate::protocol::retired;

    /// A thread that dies between the release of the lock and its look at the event word has already cleared the waiters
    /// bit. If the bit were not set again, no later release would look.
    #[test]
    fn a_waiters_bit_that_a_dead_thread_has_cleared_is_set_again() {
        let value = Synchronized::new(0_u64).expect("there is memory");
        let waiter = Waiter::new(value.cell.untyped(), Awaited::Commit { seen: value.cell.version() }, true);
        let mut announced = waiter.announce();
        drop(value.lock().expect("it is free"));
        assert!(!value.cell.is_called_back());
        // As if the thread had died before it counted.
        value.cell.event().store(announced, Relaxed);
        assert_eq!(waiter.look(&mut announced), Looked::Unchanged);
        assert!(value.cell.is_called_back());
    }

    /// A look at the name may wait for a file system, and every `fork` for the look.
    #[test]
    fn the_task_finds_out_whether_a_name_has_moved() {
        let value = Synchronized::new(0_u64).expect("there is memory");
        let waiter = Waiter::new(value.cell.untyped(), Awaited::Commit { seen: value.cell.version() }, true);
        let mut announced = waiter.announce();
        let words = value.cell.segment().words(RETIRED, 1).expect("the header has this word");
        for (standing, looked) in [
            (Standing::Pending { links: 0 }, Looked::Unclear),
            (Standing::Unlinked, Looked::Unchanged),
            (Standing::Replaced, Looked::Ready),
            (Standing::InPlace, Looked::Unchanged),
        ] {
            retired::set(&words[0], standing);
            assert_eq!(waiter.look(&mut announced), looked, "{standing:?}");
        }
    }
}
