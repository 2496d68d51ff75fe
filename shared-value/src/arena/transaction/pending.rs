//! `Pending`: what a transaction has locked, made and removed so far.

use std::collections::BTreeMap;

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

/// What a look-up in the arena has led to.
#[derive(Debug)]
pub(super) enum Seen {
    /// The value with this id.
    Found(BlockId),
    /// Nothing has this key.
    NoKey(String),
    /// Nothing has this id. The value may be one that another transaction adds.
    NoId(BlockId),
}

/// The state of a transaction so far.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// The values whose locks it holds, in the order of their offsets.
    pub(super) joined: Vec<BareCell>,
    /// The value that could not be locked without waiting out of order.
    pub(super) wanted: Option<BareCell>,
    /// Whether its failure is final: the closure is not called again.
    pub(super) is_aborted: bool,
    /// What its look-ups in the arena have led to.
    pub(super) seen: Vec<Seen>,
    /// The blocks that it adds, which are not present yet, by the offsets of their trailers.
    pub(super) added: BTreeMap<usize, Made>,
    /// The offsets of these trailers by the keys of their blocks. A transaction may add thousands.
    pub(super) by_key: BTreeMap<String, usize>,
    /// The blocks that it removes, by the offsets of their trailers.
    pub(super) removed: BTreeMap<usize, Trailer>,
    /// The blocks that it has made and removed again.
    pub(super) dropped: Vec<Made>,
    /// The trailers of blocks that it has made, and of which it has given out no handle.
    pub(super) private: Vec<usize>,
}

impl Pending {
    /// Returns the changes of the arena.
    pub(super) fn changes(&self) -> Vec<Change> {
        // Most transactions only change values, and to iterate over empty maps takes longer than to ask whether they are empty.
        if self.added.is_empty() && self.removed.is_empty() {
            return Vec::new();
        }
        let added = self.added.keys().map(|at| Change::Add(*at));
        added.chain(self.removed.keys().map(|at| Change::Remove(*at))).collect()
    }

    /// Returns the hashes of the keys that it adds, and the offsets of those blocks' trailers.
    pub(super) fn keys(&self) -> Vec<(u64, usize)> {
        self.by_key.iter().map(|(key, at)| (hash(key), *at)).collect()
    }

    /// Returns the block with a key or an id that it adds.
    pub(super) fn find(&self, heap: Heap<'_>, sought: Sought<'_>) -> Option<Trailer> {
        let made = match sought {
            Sought::Key(key) => self.added.get(self.by_key.get(key)?),
            Sought::Id(id) => self.added.values().find(|made| BlockId::of(heap, &made.block) == id),
        };
        made.map(|made| made.block)
    }

    /// Notes what a key or an id leads to in the arena.
    pub(super) fn note(&mut self, heap: Heap<'_>, sought: Sought<'_>, found: Option<&Trailer>) {
        self.seen.push(match (found, sought) {
            (Some(block), _) => Seen::Found(BlockId::of(heap, block)),
            (None, Sought::Key(key)) => Seen::NoKey(key.to_owned()),
            (None, Sought::Id(id)) => Seen::NoId(id),
        });
    }

    /// Notes a block that it adds. No other one has the key.
    pub(super) fn add(&mut self, made: Made) {
        if let Some(key) = &made.key {
            self.by_key.insert(key.clone(), made.block.at);
        }
        self.added.insert(made.block.at, made);
    }

    /// Notes that it removes a block, which it may have added itself.
    pub(super) fn remove(&mut self, block: Trailer) {
        let Some(made) = self.added.remove(&block.at) else {
            self.removed.insert(block.at, block);
            return;
        };
        if let Some(key) = &made.key {
            self.by_key.remove(key);
        }
        self.dropped.push(made);
    }

    /// Forgets what it adds, and returns that.
    pub(super) fn take_added(&mut self) -> Vec<Made> {
        if self.added.is_empty() {
            return Vec::new();
        }
        self.by_key.clear();
        std::mem::take(&mut self.added).into_values().collect()
    }

    /// Notes that a handle of the block is given out.
    pub(super) fn give_out(&mut self, block: &Trailer) {
        self.private.retain(|at| *at != block.at);
    }

    pub(super) fn adds(&self, block: &Trailer) -> bool {
        self.added.contains_key(&block.at)
    }

    pub(super) fn removes(&self, block: &Trailer) -> bool {
        self.removed.contains_key(&block.at)
    }
}
