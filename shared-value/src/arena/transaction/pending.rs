//! `Pending`: what a transaction has locked, made and removed so far.

use crate::arena::key::Sought;
use crate::cell::Cell;
use crate::format::contents::Untyped;
use crate::heap::{BlockId, Change, Heap, Trailer, hash};

/// The state of a transaction so far.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// The values whose locks it holds, in the order of their offsets.
    pub(super) joined: Vec<Cell<Untyped>>,
    /// The value that could not be locked without waiting out of order.
    pub(super) wanted: Option<Cell<Untyped>>,
    /// The blocks that it adds, which are not live yet, with their keys.
    pub(super) added: Vec<(Trailer, Option<String>)>,
    /// The blocks that it removes.
    pub(super) removed: Vec<Trailer>,
    /// The blocks that it has made and removed again.
    pub(super) dropped: Vec<Trailer>,
    /// The trailers of blocks that it has made, and of which it has given out no handle.
    pub(super) private: Vec<usize>,
}

impl Pending {
    /// Returns the changes of the arena.
    pub(super) fn changes(&self) -> Vec<Change> {
        let added = self.added.iter().map(|(block, _)| Change::Add(block.at));
        added.chain(self.removed.iter().map(|block| Change::Remove(block.at))).collect()
    }

    /// Returns the hashes of the keys that it adds, and the offsets of those blocks' trailers.
    pub(super) fn keys(&self) -> Vec<(u64, usize)> {
        self.added.iter().filter_map(|(block, key)| Some((hash(key.as_ref()?), block.at))).collect()
    }

    /// Returns the index in `added` of the block with a key or an id.
    pub(super) fn position(&self, heap: Heap<'_>, sought: Sought<'_>) -> Option<usize> {
        self.added.iter().position(|(block, key)| match sought {
            Sought::Key(key_sought) => key.as_deref() == Some(key_sought),
            Sought::Id(id) => BlockId::of(heap, block) == id,
        })
    }

    /// Notes that a handle of the block is given out.
    pub(super) fn give_out(&mut self, block: &Trailer) {
        self.private.retain(|at| *at != block.at);
    }

    pub(super) fn removes(&self, block: &Trailer) -> bool {
        self.removed.iter().any(|removed| removed.at == block.at)
    }
}
