//! `Pending`: what a transaction has locked, made and removed so far.

use crate::arena::key::Sought;
use crate::cell::{BareCell, Cell};
use crate::format::contents::Untyped;
use crate::heap::{BlockId, Change, Heap, Trailer, hash};

/// A block that a transaction has made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) block: Trailer,
    pub(super) key: Option<String>,
    /// Claims the block. If this process dies, nothing does, and the block is free.
    #[expect(dead_code, reason = "it keeps the block")]
    pub(super) cell: Cell<Untyped>,
}

/// The state of a transaction so far.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// The values whose locks it holds, in the order of their offsets.
    pub(super) joined: Vec<BareCell>,
    /// The value that could not be locked without waiting out of order.
    pub(super) wanted: Option<BareCell>,
    /// The blocks that it adds, which are not live yet.
    pub(super) added: Vec<Made>,
    /// The blocks that it removes.
    pub(super) removed: Vec<Trailer>,
    /// The blocks that it has made and removed again.
    pub(super) dropped: Vec<Made>,
    /// The trailers of blocks that it has made, and of which it has given out no handle.
    pub(super) private: Vec<usize>,
}

impl Pending {
    /// Returns the changes of the arena.
    pub(super) fn changes(&self) -> Vec<Change> {
        let added = self.added.iter().map(|made| Change::Add(made.block.at));
        added.chain(self.removed.iter().map(|block| Change::Remove(block.at))).collect()
    }

    /// Returns the hashes of the keys that it adds, and the offsets of those blocks' trailers.
    pub(super) fn keys(&self) -> Vec<(u64, usize)> {
        self.added.iter().filter_map(|made| Some((hash(made.key.as_ref()?), made.block.at))).collect()
    }

    /// Returns the index in `added` of the block with a key or an id.
    pub(super) fn position(&self, heap: Heap<'_>, sought: Sought<'_>) -> Option<usize> {
        self.added.iter().position(|made| match sought {
            Sought::Key(key) => made.key.as_deref() == Some(key),
            Sought::Id(id) => BlockId::of(heap, &made.block) == id,
        })
    }

    /// Notes that a handle of the block is given out.
    pub(super) fn give_out(&mut self, block: &Trailer) {
        self.private.retain(|at| *at != block.at);
    }

    pub(super) fn adds(&self, block: &Trailer) -> bool {
        self.added.iter().any(|made| made.block.at == block.at)
    }

    pub(super) fn removes(&self, block: &Trailer) -> bool {
        self.removed.iter().any(|removed| removed.at == block.at)
    }
}
