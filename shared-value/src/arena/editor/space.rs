//! Taking and freeing the space of blocks, as an [`Editor`] does it.
//!
//! Each step is a batch of stores, which are recorded and published with the directory (see `heap/space/journal.rs`).

use crate::arena::editor::Editor;
use crate::error::Error;
use crate::heap::{State, Trailer, changes, space, usize_of};
use crate::segment::Layout;

impl<'a> Editor<'a> {
    /// Frees a block that was loose when the lock of the directory was released, unless a value was added in it. Returns whether
    /// there was one. The directory names the others until their turn: this thread may die before.
    pub(super) fn clear_up_one(&mut self) -> bool {
        let Some(at) = self.directory.loose.into_iter().map(usize_of).find(|at| *at != 0) else { return false };
        self.keep(at);
        let block = self.heap.trailer(at).filter(|block| block.state != State::Free);
        if let Some(block) = block.filter(|block| block.type_entry == 0 || block.state != State::Present) {
            self.forget(block.at);
            self.give_back(&block);
        }
        true
    }

    /// Frees a block that nothing refers to, and of which no handle is open.
    pub(in crate::arena) fn give_back(&mut self, block: &Trailer) {
        self.keep(block.at);
        let batch = space::give_back(self.heap, self.cursor(), block);
        self.apply(&batch);
    }

    /// Names a block as loose, from the next commit on.
    pub(super) fn loosen(&mut self, at: usize) {
        // There are never more than a value, a table and a list. One more would only be free later.
        if let Some(place) = self.directory.loose.iter_mut().find(|place| **place == 0) {
            *place = at as u64;
        }
    }

    /// Does not name a block as loose any more, from the next commit on.
    pub(in crate::arena) fn keep(&mut self, at: usize) {
        for place in self.directory.loose.iter_mut().filter(|place| **place == at as u64) {
            *place = 0;
        }
    }

    /// Makes all stores of a batch, and publishes the directory, at once.
    pub(super) fn apply(&mut self, batch: &space::Batch<'_>) {
        batch.record();
        self.directory.journal = self.directory.journal.wrapping_add(1);
        self.commit();
        changes::repeat_stores(self.heap, &self.directory);
    }

    pub(super) fn cursor(&self) -> usize {
        usize_of(self.directory.cursor).clamp(self.heap.start(), self.heap.end_of_segment().max(self.heap.start()))
    }

    /// Takes a block of `length` bytes, which are zeros. It is loose, and not present.
    pub(in crate::arena) fn take(&mut self, length: usize) -> Result<Trailer, Error> {
        if self.directory.allocated == 0 {
            self.reserve(self.heap.start())?;
        }
        let cursor = self.cursor();
        let taken = match self.reuse(length, false) {
            Some(taken) => taken,
            None => self.take_new(length).or_else(|error| {
                self.sweep_all();
                self.reuse(length, true).ok_or(error)
            })?,
        };
        let block = taken.block;
        self.directory.cursor = cursor.max(block.end()) as u64;
        self.loosen(block.at);
        self.apply(&taken.batch);
        self.heap.clear(&block, cursor);
        Ok(block)
    }

    /// Finds a free block, and takes a part of it.
    fn reuse(&mut self, length: usize, thoroughly: bool) -> Option<space::Taken<'a>> {
        /// Blocks are used up so rarely that there are never many. Only a hostile process makes more.
        const TRIES: usize = 1 << 10;
        for _ in 0..TRIES {
            let free = space::find(self.heap, self.cursor(), length, thoroughly)?;
            if !self.heap.is_used_up(free.end) {
                return Some(space::carve(self.heap, free, length));
            }
            let batch = space::shrink(self.heap, free);
            self.apply(&batch);
        }
        None
    }

    /// Takes a block behind the others.
    fn take_new(&mut self, length: usize) -> Result<space::Taken<'a>, Error> {
        let limit = self.heap.limit(self.directory.capacity);
        let place = space::behind(self.heap, self.cursor(), length).filter(|(_, end)| *end <= limit);
        let place = place.ok_or_else(|| self.full(length))?;
        if place.1 as u64 > self.directory.allocated {
            self.reserve(place.1)?;
        }
        Ok(space::grow(self.heap, self.cursor(), place))
    }

    /// Allocates memory for the blocks up to `end` and for their part of the index, so that no access to it fails later.
    fn reserve(&mut self, end: usize) -> Result<(), Error> {
        let from = self.directory.allocated.min(end as u64);
        let limit = self.heap.limit(self.directory.capacity).max(end);
        let [ahead, needed] = space::index::reservations(end, limit);
        let indexed = if from == 0 { self.heap.end_of_segment() } else { self.heap.index_of(usize_of(from)).start };
        let reserve = || {
            let reserved = self.heap.reserve(from, needed as u64, ahead as u64)?;
            let index = self.heap.index_of(usize_of(reserved)).start.min(indexed)..indexed;
            // At first, this includes the claim slots.
            let slots = self.heap.layout_of_claims().filter(|_| from == 0).map_or(0..0, Layout::slots);
            for part in [index, slots].into_iter().filter(|part| !part.is_empty()) {
                self.heap.reserve(part.start as u64, part.end as u64, part.end as u64)?;
            }
            Ok(reserved)
        };
        self.directory.allocated = reserve().map_err(|error: std::io::Error| {
            let bytes = needed as u64 - from;
            Error::io(format!("reserve {bytes} bytes for arena `{}`", self.segment.name()), error)
        })?;
        Ok(())
    }

    pub(super) fn full(&self, needed: usize) -> Error {
        let start = self.heap.start();
        let capacity = self.heap.limit(self.directory.capacity).saturating_sub(start);
        let used = self.cursor() - start;
        Error::ArenaFull { name: self.segment.name().to_owned(), needed, used, capacity }
    }
}
