//! `Change`: a block that is added or removed.

use crate::heap::blocks::{Heap, State, Trailer};
use crate::heap::decision::Decision;
use crate::heap::directory::Directory;
use crate::heap::space::journal;
use crate::heap::usize_of;
use crate::protocol::atomics::{AtomicU64, Ordering::Relaxed};

/// A block that is added or removed, named by the offset of its trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Add(usize),
    Remove(usize),
}

const REMOVES: u64 = 1;

impl Change {
    /// Returns the change as a word, which is not zero.
    pub(crate) fn to_word(self) -> u64 {
        match self {
            Self::Add(at) => at as u64,
            Self::Remove(at) => at as u64 | REMOVES,
        }
    }

    fn from_word(word: u64) -> Option<Self> {
        let at = usize_of(word & !REMOVES);
        (word != 0).then_some(if word & REMOVES == 0 { Self::Add(at) } else { Self::Remove(at) })
    }

    /// Returns the offset of the block's trailer.
    pub(crate) fn at(self) -> usize {
        let (Self::Add(at) | Self::Remove(at)) = self;
        at
    }

    pub(crate) fn is_add(self) -> bool {
        matches!(self, Self::Add(_))
    }

    /// Sets the state of the block to adding or removing, so that the decision counts.
    pub(crate) fn prepare(self, heap: Heap<'_>) {
        if let Some(block) = heap.trailer(self.at()) {
            heap.set_state(&block, if self.is_add() { State::Adding } else { State::Removing });
        }
    }

    /// Gives the block its state after the decision. The block may have this state already.
    fn settle(self, heap: Heap<'_>, is_committed: bool) {
        if let Some(block) = heap.trailer(self.at()).filter(Trailer::is_undecided) {
            heap.set_state(&block, if self.is_add() == is_committed { State::Present } else { State::Removed });
        }
    }
}

/// Returns the words of the list of changes.
pub(crate) fn list<'a>(heap: Heap<'a>, directory: &Directory) -> Option<&'a [AtomicU64]> {
    let list = directory.list;
    heap.words(usize_of(list & !63), 1 << (list & 63)).filter(|_| list != 0)
}

/// Returns the changes that were made last.
pub(crate) fn last<'a>(heap: Heap<'a>, directory: &Directory) -> impl Iterator<Item = Change> + use<'a> {
    let listed = if directory.listed == 0 { None } else { list(heap, directory) };
    let listed = listed.unwrap_or_default().iter().take(usize_of(directory.listed));
    let few = directory.changes.into_iter();
    few.chain(listed.map(|word| word.load(Relaxed))).filter_map(Change::from_word)
}

/// Gives blocks their states after the decision, and ends the pending changes.
pub(crate) fn settle(
    heap: Heap<'_>,
    decision: Decision<'_>,
    changes: impl IntoIterator<Item = Change>,
    is_committed: bool,
) {
    changes.into_iter().for_each(|change| change.settle(heap, is_committed));
    decision.end();
}

/// Makes the stores of the journal, unless the owner of the directory's lock that has planned them has made them.
pub(crate) fn repeat_stores(heap: Heap<'_>, directory: &Directory) {
    if let Some(decision) = heap.decision()
        && decision.applied() != directory.journal
    {
        journal::apply(heap);
        decision.set_applied(directory.journal);
    }
}

/// Finishes the changes that an owner of the directory's lock was making when it died.
pub(crate) fn recover(heap: Heap<'_>, directory: &Directory) {
    if let Some(decision) = heap.decision()
        && let Some(is_committed) = decision.verdict()
    {
        settle(heap, decision, last(heap, directory), is_committed);
    }
}

/// Counts the values, while no changes are pending.
pub(crate) fn count(heap: Heap<'_>, directory: &Directory) -> u64 {
    let is_present = |change: &Change| heap.trailer(change.at()).is_some_and(|block| heap.is_present(&block));
    let present = last(heap, directory).filter(is_present).count();
    directory.values.wrapping_add(present as u64)
}
