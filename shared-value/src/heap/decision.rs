//! `Decision`: the word that makes several changes of an arena happen at once.
//!
//! A block becomes present, or is removed, by one store to its trailer. If several blocks change at once, each is first set to
//! *adding* or *removing*, and one word decides for all of them: while this word is *committed*, blocks in the state
//! *adding* are present, and blocks in the state *removing* are not. The directory's atomic field `decided_by` says which word
//! decides:
//!
//! | `decided_by` | blocks in the states adding and removing |
//! |---|---|
//! | 0 | do not exist |
//! | the offset of `decision` | are decided by that field |
//! | the offset of a record's state | are decided by the record of a transaction |
//!
//! The owner of the directory's lock writes these words. An owner that dies leaves them as they are: look-ups continue to
//! read the word that decides, and the next owner finishes the changes if they were committed, or undoes them.

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
    /// The offset of `own` in the segment.
    place: u64,
    decided_by: &'a AtomicU64,
    own: &'a AtomicU64,
    turn: &'a AtomicU64,
    applied: &'a AtomicU64,
}

impl<'a> Decision<'a> {
    /// Finds the words in an arena; `None` if the segment is too short to be one.
    pub(crate) fn of(mapping: &'a Mapping) -> Option<Self> {
        let cell = mapping.entries()[0].cell_offset + LINE;
        let start = cell + Directory::shape(&()).atomics_start() * WORD;
        let [decided_by, own, turn, applied] = mapping.words(start, 4)? else { return None };
        Some(Self { mapping, place: (start + WORD) as u64, decided_by, own, turn, applied })
    }

    /// Returns whether the pending changes are committed; `None` if no changes are pending.
    pub(crate) fn verdict(self) -> Option<bool> {
        // Acquire: pairs with `begin`, so the load below sees the deciding word as it was then, or later; and with `end`, so
        // all blocks are seen in their states after it.
        let place = self.decided_by.load(Ordering::Acquire);
        let verdict = (place != 0).then(|| is_committed(self.mapping, place));
        // Acquire: pairs with the release store of the decision, or of the next use of the word.
        fence(Ordering::Acquire);
        verdict
    }

    /// Marks changes as pending. The record whose state lies at this offset decides about them, or `own` if there is no
    /// record. The record must be open already: another transaction could take an idle record, and would then decide about
    /// these changes too.
    pub(crate) fn begin(self, record: Option<u64>) {
        // Release: the states of all blocks that this word decided about before come first.
        self.own.store(record::OPEN, Ordering::Release);
        // Release: earlier writes to the deciding word come first.
        self.decided_by.store(record.unwrap_or(self.place), Ordering::Release);
    }

    /// Commits changes that no record decides about.
    pub(crate) fn commit(self) {
        // Release: the changes come first.
        self.own.store(record::COMMITTED, Ordering::Release);
    }

    /// Marks that no changes are pending any more.
    pub(crate) fn end(self) {
        // Release: the states of all blocks come first.
        self.decided_by.store(0, Ordering::Release);
    }

    /// Counts a change, after the table refers to all blocks that it adds, and before it adds or removes any block.
    ///
    /// A look-up may pass a bucket before the bucket refers to the new block, and reach the old block's bucket after the old
    /// block is removed. So a look-up that finds nothing is valid only if no change was counted during it.
    pub(crate) fn count(self) {
        // Release: the buckets come first.
        self.turn.store(self.turn.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    /// Returns the number of changes.
    pub(crate) fn turn(self) -> u64 {
        self.turn.load(Ordering::Acquire)
    }

    /// Returns the number of the last batch of the journal whose stores were made.
    pub(crate) fn applied(self) -> u64 {
        self.applied.load(Ordering::Relaxed)
    }

    /// Marks the stores of a batch as made.
    pub(crate) fn set_applied(self, batch: u64) {
        // Release: the stores come first.
        self.applied.store(batch, Ordering::Release);
    }
}
