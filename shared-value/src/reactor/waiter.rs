//! `Waiter`: what a task waits for.

use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use crate::cell::Cell;
use crate::format::contents::Untyped;
use crate::lock::LONGEST_SLEEP;
use crate::protocol::event;
use crate::reactor::words::Word;

/// How often the reactor looks at values whose event words it cannot sleep on.
pub(super) const POLL: Duration = Duration::from_millis(2);

/// What a task waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Awaited {
    /// A version other than this one.
    Commit { seen: u64 },
    /// A wake-up by the event word. The task itself looks for what it waits for, and so it is also woken now and then.
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

/// The event words after the announcement.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Announced {
    /// That of the value.
    own: u64,
    /// That of the arena in which the value lies.
    arena: u64,
}

/// What the reactor knows while it looks at registrations, one after the other.
#[derive(Debug)]
pub(super) struct Moment {
    now: Instant,
    /// The last arena in which it has announced a waiter: the address of the word, and the word.
    arena: (usize, u64),
}

impl Moment {
    pub(super) fn now() -> Self {
        Self { now: Instant::now(), arena: (0, 0) }
    }
}

impl Waiter {
    pub(super) fn new(cell: Cell<Untyped>, awaited: Awaited, is_announced: bool) -> Self {
        Self { cell, awaited, is_announced, place: AtomicUsize::new(usize::MAX) }
    }

    /// Announces the task in the value, and before that in the arena in which the value lies.
    pub(super) fn announce(&self) -> Announced {
        if !self.is_announced {
            return Announced::default();
        }
        let arena = self.cell.event_of_arena().map_or(0, |event| {
            let announced = event::announce(event);
            event::order();
            announced
        });
        Announced { own: self.announce_here(), arena }
    }

    fn announce_here(&self) -> u64 {
        let announced = event::announce(self.cell.event());
        self.cell.call_back();
        // For a task that waits for the event of an arena: it looks at the values after this.
        event::order();
        announced
    }

    /// Returns when the task is woken in any case: it is `Event` that asks for this.
    pub(super) fn end(&self) -> Option<Instant> {
        let most = if self.is_announced { LONGEST_SLEEP } else { POLL };
        matches!(self.awaited, Awaited::Event).then(|| Instant::now() + most)
    }

    /// Returns the word to sleep on until there may be a change, if a thread that commits can be told.
    pub(super) fn word(&self, announced: &Announced) -> Option<Word> {
        let (event, expected) = match self.cell.event_of_arena() {
            Some(event) => (event, announced.arena),
            None => (self.cell.event(), announced.own),
        };
        self.is_announced.then_some(Word { address: event.as_ptr().addr(), expected })
    }

    /// Returns whether the task has something to do. Announces it again where that was taken back. Allocates no memory, and takes
    /// no lock.
    pub(super) fn look(&self, announced: &mut Announced, end: Option<Instant>, moment: &mut Moment) -> bool {
        let Awaited::Commit { seen } = self.awaited else {
            let is_raised = self.is_announced && !event::is_announced(self.cell.event(), announced.own);
            return is_raised || end.is_some_and(|end| moment.now >= end);
        };
        if self.is_announced {
            self.announce_again(announced, moment);
        }
        // A version that a record decides about, which cannot be found, does not count: the record will be found later, or the
        // version becomes another one.
        let now = self.cell.look_decided(false).map(|candidate| candidate.version());
        now.is_some_and(|now| now != seen) || self.cell.is_replaced()
    }

    fn announce_again(&self, announced: &mut Announced, moment: &mut Moment) {
        if let Some(event) = self.cell.event_of_arena() {
            let address = event.as_ptr().addr();
            if moment.arena.0 != address {
                moment.arena = (address, event::announce(event));
                event::order();
            }
            announced.arena = moment.arena.1;
        }
        if !event::is_announced(self.cell.event(), announced.own) {
            announced.own = self.announce_here();
        }
    }
}
