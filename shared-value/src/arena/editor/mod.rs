//! `Editor`: adds blocks to an arena and removes them, under the lock of its directory.
//!
//! The directory names a block that is taken as loose, until something refers to it. So the block of a process that dies
//! while it makes a value is free again as soon as another process adds or removes. One store adds or removes a value: the
//! store to the trailer of its block, or, if several blocks change at once, the store to the word that decides (see
//! `heap/decision.rs`).

mod space;
mod sweep;
mod tables;

use std::collections::HashSet;
use std::sync::Arc;

use crate::cell::{Cell, Place, Recognized};
use crate::error::Error;
use crate::format::Extent;
use crate::format::contents::Contents;
use crate::heap::{
    Bucket, Change, Directory, FEW, Heap, State, Trailer, TypeEntry, block_length, cell_in, changes, claim, hash, lost,
    table_at, usize_of,
};
use crate::protocol::atomics::Ordering::Relaxed;
use crate::segment::Segment;

pub(super) struct Editor<'a> {
    pub(super) heap: Heap<'a>,
    segment: &'a Arc<Segment>,
    cell: &'a Cell<Directory>,
    pub(super) directory: Directory,
}

/// A key that a change adds, and the bucket for it.
struct Addition {
    bucket: Bucket,
    hash: u64,
    trailer: usize,
}

impl<'a> Editor<'a> {
    /// Finishes or undoes the changes of an owner of the directory's lock that died. The calling thread holds that lock, and
    /// keeps it while the editor is used.
    pub(super) fn new(cell: &'a Cell<Directory>) -> Result<Self, Error> {
        let segment = cell.shared_segment();
        claim::begin(segment)?;
        let heap = Heap::of(segment);
        let directory = cell.committed()?;
        changes::repeat_stores(heap, &directory);
        changes::recover(heap, &directory);
        let mut editor = Self { heap, segment, cell, directory };
        editor.remember_removed();
        editor.settle_changes();
        if segment.is_pinned() {
            segment.unpin();
        }
        if editor.waiting().is_some() {
            segment.clear_some_slot();
        }
        while editor.clear_up_one() {}
        Ok(editor)
    }

    pub(super) fn segment(&self) -> Arc<Segment> {
        Arc::clone(self.segment)
    }

    /// Publishes the editor's copy of the directory.
    pub(super) fn commit(&mut self) {
        self.cell.publish(&self.directory);
    }

    /// Finds the block of a key.
    pub(super) fn find(&self, key: &str) -> Option<Trailer> {
        crate::heap::find(self.heap, self.directory.table, key)
    }

    /// Makes a block for a value with these facts, which the closure writes. It is not present yet, and the table does not
    /// refer to it. `is_recursive` is about the lock of a value with one slot; the locks of others are always recursive.
    pub(super) fn make<C: Recognized + ?Sized>(
        &mut self,
        key: Option<&str>,
        facts: &C::Facts,
        is_recursive: bool,
        write: impl FnOnce(&Cell<C>),
    ) -> Result<(Trailer, Cell<C>), Error> {
        let shape = C::shape(facts);
        let type_entry = self.type_entry::<C>(facts)?;
        let key_length = key.map_or(0, str::len);
        let length = shape.checked_length().and_then(|length| block_length(length, key_length));
        let taken = self.take(length.unwrap_or(usize::MAX))?;
        let extent = Extent::of(shape.size);
        let extent = if shape.is_one_slot() { extent.in_one_slot(is_recursive) } else { extent };
        let block = Trailer { type_entry, extent, key_length, hash: key.map_or(0, hash), ..taken };
        self.heap.write_trailer(&block);
        if let Some(key) = key {
            self.heap.write_key(&block, key);
        }
        let place = claim::claim(self.segment, &block)?;
        let cell = self.cell_in(place, &block, facts.clone())?;
        write(&cell);
        Ok((block, cell))
    }

    /// Returns the cell with these facts in a block.
    pub(super) fn cell_in<C: Contents + ?Sized>(
        &self,
        place: Place,
        block: &Trailer,
        facts: C::Facts,
    ) -> Result<Cell<C>, Error> {
        cell_in(place, block, facts).ok_or_else(|| lost(self.segment, block.at))
    }

    /// Returns the offset of the trailer of the type entry for values with these facts. Makes the type entry if it is
    /// missing.
    fn type_entry<C: Recognized + ?Sized>(&mut self, facts: &C::Facts) -> Result<usize, Error> {
        let fingerprint = C::fingerprint(facts);
        let known = TypeEntry::all(self.heap, usize_of(self.directory.types))
            .find(|(_, entry)| entry.fingerprint == fingerprint);
        if let Some((at, _)) = known {
            return Ok(at);
        }
        let schema = C::schema(facts);
        let length = block_length(TypeEntry::payload(&schema), 0).ok_or_else(|| self.full(usize::MAX))?;
        let block = self.take(length)?;
        let atomics = C::shape(facts).atomics;
        TypeEntry::write(self.heap, block.start, fingerprint, atomics, &schema, self.directory.types);
        self.heap.set_state(&block, State::Present);
        self.directory.types = block.at as u64;
        self.keep(block.at);
        self.commit();
        Ok(block.at)
    }

    /// Makes all of these changes at once. `keys` are the hashes of the keys that they add, and the offsets of those blocks'
    /// trailers. If a record decides about the changes, `record` is the offset of its state. `decide` runs when everything
    /// is written, and stores the decision.
    ///
    /// # Errors
    /// `ArenaFull`; `Io` if the system has no memory left. Nothing was changed, and nothing decided.
    pub(super) fn change(
        &mut self,
        changes: &[Change],
        keys: &[(u64, usize)],
        record: Option<u64>,
        decide: impl FnOnce(),
    ) -> Result<(), Error> {
        let additions = self.additions(keys)?;
        self.note(changes, &additions)?;
        let decision = self.heap.decision().ok_or_else(|| lost(self.segment, 0))?;
        let by_itself = changes.len() == 1 && record.is_none();
        if !by_itself {
            decision.begin(record);
            for change in changes {
                change.prepare(self.heap);
            }
        }
        if let Some(table) = table_at(self.heap, self.directory.table) {
            for addition in additions {
                table.fill(addition.bucket, addition.hash, addition.trailer);
            }
        }
        decision.count();
        decide();
        if by_itself {
            for change in changes {
                self.finish(*change);
            }
        } else {
            if record.is_none() {
                decision.commit();
            }
            changes::settle(self.heap, decision, changes.iter().copied(), true);
        }
        let (added, removed): (Vec<_>, Vec<_>) = changes.iter().copied().partition(|change| change.is_add());
        for change in added {
            self.end_wait(change.at());
        }
        let removed: Vec<_> = removed.into_iter().map(Change::at).collect();
        for at in &removed {
            self.forget(*at);
        }
        self.free_removed(&removed);
        Ok(())
    }

    /// Adds or removes one block, by one store.
    fn finish(&self, change: Change) {
        if let Some(block) = self.heap.trailer(change.at()) {
            self.heap.set_state(&block, if change.is_add() { State::Present } else { State::Removed });
        }
    }

    /// Chooses a bucket for each key that is added.
    fn additions(&mut self, keys: &[(u64, usize)]) -> Result<Vec<Addition>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.make_room(keys.len())?;
        let Some(table) = table_at(self.heap, self.directory.table) else { return Ok(Vec::new()) };
        let mut chosen = HashSet::new();
        let choose = |&(hash, trailer): &(u64, usize)| {
            // A table has no bucket left only if another process has overwritten it. Then the value gets no key.
            let bucket = table.vacancy(hash, |index| !chosen.contains(&index))?;
            if keys.len() > 1 {
                chosen.insert(bucket.index());
            }
            Some(Addition { bucket, hash, trailer })
        };
        Ok(keys.iter().filter_map(choose).collect())
    }

    /// Records in the directory which blocks are going to change.
    fn note(&mut self, changes: &[Change], additions: &[Addition]) -> Result<(), Error> {
        let words = changes.iter().map(|change| change.to_word());
        if changes.len() > FEW {
            self.make_list(changes.len())?;
            // The commit invalidates the old words of the list before they are overwritten.
            self.commit();
            let list = changes::list(self.heap, &self.directory).unwrap_or_default();
            for (to, word) in list.iter().zip(words) {
                to.store(word, Relaxed);
            }
            self.directory.listed = changes.len() as u64;
        } else {
            for (to, word) in self.directory.changes.iter_mut().zip(words) {
                *to = word;
            }
        }
        let removed = changes.iter().filter(|change| !change.is_add()).count();
        self.directory.values = self.directory.values.wrapping_sub(removed as u64);
        let taken = additions.iter().filter(|addition| addition.bucket.is_empty()).count();
        self.directory.taken = self.directory.taken.saturating_add(taken as u64);
        self.commit();
        Ok(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::Arena;
    use crate::hold::scoped::ScopedHold;
    use crate::lock::Wait;

    /// Two deaths, one after the other. Space that nothing names comes back only when no process has the arena open.
    #[test]
    fn a_successor_that_dies_forgets_no_loose_block() {
        let arena = Arena::new(1 << 20).unwrap();
        // As if this thread had died while it made a value, and a larger table for it.
        arena.edit(|editor| editor.take(8192).and_then(|_| editor.take(4096))).unwrap();
        let hold = ScopedHold::acquire(&arena.directory, Wait::Never).unwrap();
        let (segment, cell) = (arena.segment(), &arena.directory);
        let mut successor = Editor { heap: Heap::of(segment), segment, cell, directory: cell.committed().unwrap() };
        assert!(successor.clear_up_one());
        // It dies here, between the two.
        drop(hold);
        arena.edit(|_| Ok(())).unwrap();
        let stats = arena.stats();
        assert_eq!(stats.reusable_bytes, arena.used(), "{stats:?}");
    }
}
