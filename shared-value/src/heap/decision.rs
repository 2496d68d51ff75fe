//! `Decision`: the word that makes several changes of an arena happen at once.
//!
//! A block becomes live, or is removed, by one store to its trailer. Where several blocks change at once, each is first set to
//! *adding* or *removing*, and one word decides for all of them: while it says so, blocks that are being added are live, and
//! those that are being removed are not. The directory's atomic fields say which word that is:
//!
//! | `decided_by` | blocks in the states adding and removing |
//! |---|---|
//! | 0 | do not exist |
//! | where `decision` lies | are decided by that field |
//! | where the state of a record lies | are decided by the record of a transaction |
//!
//! The owner of the directory's lock writes these words. An owner that dies leaves them as they are: look-ups go on asking the
//! word that decides, and the next owner finishes what was decided, or undoes what was not.

use crate::cell::parts::{LINE, is_committed, record};
use crate::format::contents::Contents;
use crate::heap::directory::Directory;
use crate::protocol::atomics::{AtomicU64, Ordering, fence};
use crate::segment::Mapping;

const WORD: usize = size_of::<u64>();

/// The atomic fields of a directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision<'a> {
    mapping: &'a Mapping,
    /// Where `own` lies in the segment.
    place: u64,
    decided_by: &'a AtomicU64,
    own: &'a AtomicU64,
    turn: &'a AtomicU64,
}

impl<'a> Decision<'a> {
    /// Finds the words in an arena; `None` if the segment is too short to be one.
    pub(crate) fn of(mapping: &'a Mapping) -> Option<Self> {
        let cell = mapping.entries()[0].cell_offset + LINE;
        let start = cell + Directory::shape(&()).atomics_start() * WORD;
        let [decided_by, own, turn] = mapping.words(start, 3)? else { return None };
        Some(Self { mapping, place: (start + WORD) as u64, decided_by, own, turn })
    }

    /// Returns whether the changes that are being made are decided on; `None` if none are being made.
    pub(crate) fn verdict(self) -> Option<bool> {
        // Acquire: pairs with `begin`, so the word that decides is seen as it was then, or later; and with `end`, so all
        // blocks are seen as they are behind it.
        let place = self.decided_by.load(Ordering::Acquire);
        let verdict = (place != 0).then(|| is_committed(self.mapping, place));
        // Acquire: pairs with the release of the decision, or with that of whatever the word was used for next.
        fence(Ordering::Acquire);
        verdict
    }

    /// Says that changes are being made, and that the record whose state lies there decides about them, or `own` does.
    /// The record is open: an idle one could be taken, and would then decide about these changes too.
    pub(crate) fn begin(self, record: Option<u64>) {
        // Release: the states of all blocks that this word decided about before come first.
        self.own.store(record::OPEN, Ordering::Release);
        // Release: the words come first.
        self.decided_by.store(record.unwrap_or(self.place), Ordering::Release);
    }

    /// Decides on changes that no record decides about.
    pub(crate) fn commit(self) {
        // Release: the changes come first.
        self.own.store(record::COMMITTED, Ordering::Release);
    }

    /// Says that no changes are being made any more.
    pub(crate) fn end(self) {
        // Release: the states of all blocks come first.
        self.decided_by.store(0, Ordering::Release);
    }

    /// Counts a change, after the table leads to all that it adds and before anything is added or removed by it.
    ///
    /// A look-up may pass by a bucket before that leads to a new block, and come to the old one when that is gone. So a
    /// look-up that finds nothing counts only if no change was counted meanwhile.
    pub(crate) fn count(self) {
        // Release: the buckets come first.
        self.turn.store(self.turn.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    /// Returns the number of changes.
    pub(crate) fn turn(self) -> u64 {
        self.turn.load(Ordering::Acquire)
    }
}
