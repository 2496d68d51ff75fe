//! `Editor`: adds blocks to an arena and removes them, under the lock of its directory.
//!
//! The directory commits the allocation of a block before anything is written to the block. So memory behind the cursor is
//! all zeros, and a process that dies while it makes a value leaves a block that no look-up finds: its space is lost until a
//! process opens the arena while no other process has it open. One store adds or removes a value: the store to the trailer
//! of its block, or, if several blocks change at once, the store to the word that decides (see `heap/decision.rs`).

use std::collections::HashSet;
use std::sync::Arc;

use crate::cell::{Cell, Recognized};
use crate::error::Error;
use crate::format::CELL_ALIGN;
use crate::format::contents::Contents;
use crate::heap::{
    Bucket, Change, Directory, FEW, Heap, State, TRAILER, Table, Trailer, TypeEntry, block_length, cell_in, changes,
    class_of, hash, lost, table_at, table_block, usize_of,
};
use crate::protocol::atomics::Ordering::Relaxed;
use crate::segment::Segment;

/// The number of words in the first table, and in the first list of changes.
const LEAST: usize = 32;
const WORD: usize = size_of::<u64>();

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
        let heap = Heap::of(segment);
        let mut directory = cell.committed()?;
        changes::recover(heap, &directory);
        directory.values = changes::count(heap, &directory);
        (directory.changes, directory.listed) = ([0; FEW], 0);
        let editor = Self { heap, segment, cell, directory };
        editor.mend_newest();
        Ok(editor)
    }

    /// Gives the newest block a trailer if its maker died before it wrote one, so that the blocks before it are found.
    fn mend_newest(&self) {
        let (newest, cursor) = (usize_of(self.directory.newest), usize_of(self.directory.cursor));
        let at = cursor.saturating_sub(TRAILER);
        if newest > 0 && self.heap.is_blank(at) {
            self.heap.write_trailer(&unused(newest, at));
        }
    }

    /// Publishes the editor's copy of the directory.
    pub(super) fn commit(&mut self) {
        self.cell.publish(&self.directory);
    }

    /// Finds the block of a key.
    pub(super) fn find(&self, key: &str) -> Option<Trailer> {
        crate::heap::find(self.heap, self.directory.table, key)
    }

    /// Takes a block of `length` bytes, which are zeros. It is not live yet.
    pub(super) fn take(&mut self, length: usize) -> Result<Trailer, Error> {
        if let Some(reused) = self.reuse(length) {
            return Ok(reused);
        }
        let start = usize_of(self.directory.cursor).max(self.heap.start()).checked_next_multiple_of(CELL_ALIGN);
        let end = start.and_then(|start| start.checked_add(length)).filter(|end| *end <= self.heap.end());
        let (start, end) = start.zip(end).ok_or_else(|| self.full(length))?;
        if end > usize_of(self.directory.allocated) {
            self.reserve(end)?;
        }
        (self.directory.newest, self.directory.cursor) = (start as u64, end as u64);
        self.commit();
        let trailer = unused(start, end - TRAILER);
        self.heap.write_trailer(&trailer);
        Ok(trailer)
    }

    /// Allocates memory up to `end`, so that no access to it fails later.
    fn reserve(&mut self, end: usize) -> Result<(), Error> {
        let from = self.directory.allocated.min(end as u64);
        let [ahead, needed] = self.heap.reservations(end).map(|end| end as u64);
        let reserved = self.heap.reserve(from, needed, ahead);
        self.directory.allocated = reserved.map_err(|error| {
            Error::io(format!("reserve {} bytes for arena `{}`", needed - from, self.segment.name()), error)
        })?;
        Ok(())
    }

    fn full(&self, needed: usize) -> Error {
        let used = usize_of(self.directory.cursor).saturating_sub(self.heap.start());
        Error::ArenaFull { name: self.segment.name().to_owned(), needed, used, capacity: self.heap.capacity() }
    }

    /// Takes a free block of this length, if there is one.
    fn reuse(&mut self, length: usize) -> Option<Trailer> {
        let class = class_of(length);
        let at = usize_of(self.directory.free[class]);
        // A block in the list of greater lengths that is too short stays in the list for a smaller value.
        let free = self
            .heap
            .trailer(at)
            .filter(|trailer| trailer.state == State::Free && trailer.end() - trailer.start == length)?;
        self.directory.free[class] = free.key;
        self.commit();
        let trailer = Trailer { generation: free.generation + 1, ..unused(free.start, at) };
        self.heap.write_trailer(&trailer);
        self.heap.clear(&trailer);
        Some(trailer)
    }

    /// Makes a block for a value with these facts, which the closure writes. It is not live yet, and the table does not
    /// refer to it.
    pub(super) fn make<C: Recognized + ?Sized>(
        &mut self,
        key: Option<&str>,
        facts: &C::Facts,
        write: impl FnOnce(&Cell<C>),
    ) -> Result<(Trailer, Cell<C>), Error> {
        let shape = C::shape(facts);
        let type_entry = self.type_entry::<C>(facts)?;
        let key_length = key.map_or(0, str::len);
        let length = shape.checked_length().and_then(|length| block_length(length, key_length));
        let taken = self.take(length.unwrap_or(usize::MAX))?;
        let described = key.map_or(0, hash) << 32 | key_length as u64;
        let block = Trailer { type_entry, size: shape.size, key: described, ..taken };
        self.heap.write_trailer(&block);
        if let Some(key) = key {
            self.heap.write_key(&block, key);
        }
        let cell = self.cell_in(&block, facts.clone())?;
        write(&cell);
        Ok((block, cell))
    }

    /// Returns the cell with these facts in a block.
    pub(super) fn cell_in<C: Contents + ?Sized>(&self, block: &Trailer, facts: C::Facts) -> Result<Cell<C>, Error> {
        cell_in(self.segment, block, facts).ok_or_else(|| lost(self.segment, block.at))
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
        self.heap.set_state(&block, State::Live);
        self.directory.types = block.at as u64;
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
        changes.iter().filter(|change| !change.is_add()).for_each(|change| self.forget(change.at()));
        Ok(())
    }

    /// Adds or removes one block, by one store.
    fn finish(&self, change: Change) {
        if let Some(block) = self.heap.trailer(change.at()) {
            self.heap.set_state(&block, if change.is_add() { State::Live } else { State::Removed });
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

    /// Makes a list for `count` changes, if the present list is too short.
    fn make_list(&mut self, count: usize) -> Result<(), Error> {
        if changes::list(self.heap, &self.directory).is_some_and(|list| list.len() >= count) {
            return Ok(());
        }
        let length = count.next_power_of_two().max(LEAST);
        let old = table_block(self.heap, self.directory.list);
        let block = self.take_words(length)?;
        self.directory.list = block.start as u64 | u64::from(length.trailing_zeros());
        self.retire(old);
        Ok(())
    }

    /// Makes room for `count` keys: replaces a table that would get too full by a larger one, which is half empty.
    fn make_room(&mut self, count: usize) -> Result<(), Error> {
        let table = table_at(self.heap, self.directory.table);
        let length = table.map_or(0, Table::length);
        if usize_of(self.directory.taken).saturating_add(count) <= length / 4 * 3 {
            return Ok(());
        }
        let live: Vec<_> = table.into_iter().flat_map(Table::buckets).filter_map(|bucket| self.live(bucket)).collect();
        let length = ((live.len() + count) * 2).next_power_of_two().max(LEAST);
        let block = self.take_words(length)?;
        if let Some(larger) = self.heap.words(block.start, length).and_then(Table::of) {
            for (hash, at) in &live {
                if let Some(bucket) = larger.vacancy(*hash, |_| true) {
                    larger.fill(bucket, *hash, *at);
                }
            }
        }
        let old = table_block(self.heap, self.directory.table);
        self.directory.table = block.start as u64 | u64::from(length.trailing_zeros());
        self.directory.taken = live.len() as u64;
        self.retire(old);
        Ok(())
    }

    /// Takes a live block of `count` words.
    fn take_words(&mut self, count: usize) -> Result<Trailer, Error> {
        let length = block_length(count * WORD, 0).ok_or_else(|| self.full(usize::MAX))?;
        let block = self.take(length)?;
        self.heap.set_state(&block, State::Live);
        Ok(block)
    }

    /// Publishes the directory, which does not refer to this block any more, and removes the block.
    fn retire(&mut self, old: Option<Trailer>) {
        self.commit();
        if let Some(old) = old {
            self.heap.set_state(&old, State::Removed);
        }
    }

    /// Returns the hash and the trailer of the block that a bucket refers to, if the block is live.
    fn live(&self, bucket: Bucket) -> Option<(u64, usize)> {
        let trailer = self.heap.trailer(bucket.trailer()).filter(|trailer| trailer.state == State::Live)?;
        Some((bucket.hash(trailer.key >> 32), trailer.at))
    }

    /// Clears the table's bucket for a removed block.
    fn forget(&self, at: usize) {
        let key = self.heap.trailer(at).and_then(|block| self.heap.key(&block));
        if let (Some(key), Some(table)) = (key, table_at(self.heap, self.directory.table))
            && let Some(bucket) = table.candidates(hash(&key)).find(|bucket| bucket.trailer() == at)
        {
            table.forget(bucket);
        }
    }
}

/// Returns the trailer of a block that is not in use.
fn unused(start: usize, at: usize) -> Trailer {
    Trailer { at, state: State::Made, generation: 0, type_entry: 0, start, size: 0, key: 0 }
}
