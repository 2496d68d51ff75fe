//! `Editor`: adds blocks to an arena and removes them, under the lock of its directory.
//!
//! The directory names a block that is taken as loose, until something refers to it. So the block of a process that dies
//! while it makes a value is free again as soon as another process adds or removes. One store adds or removes a value: the
//! store to the trailer of its block, or, if several blocks change at once, the store to the word that decides (see
//! `heap/decision.rs`).

use std::collections::HashSet;
use std::sync::Arc;

use crate::cell::{Cell, Recognized};
use crate::error::Error;
use crate::format::contents::Contents;
use crate::heap::{
    Bucket, Change, Directory, FEW, Heap, LOOSE, State, Table, Trailer, TypeEntry, block_length, cell_in, changes,
    hash, lost, space, table_at, table_block, usize_of,
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
        changes::repeat_stores(heap, &directory);
        changes::recover(heap, &directory);
        directory.values = changes::count(heap, &directory);
        (directory.changes, directory.listed) = ([0; FEW], 0);
        let loose = std::mem::replace(&mut directory.loose, [0; LOOSE]);
        let mut editor = Self { heap, segment, cell, directory };
        for at in loose.into_iter().filter(|at| *at != 0) {
            editor.clear_up(usize_of(at));
        }
        Ok(editor)
    }

    /// Frees a block that was loose when the lock of the directory was released, unless a value was added in it.
    fn clear_up(&mut self, at: usize) {
        let Some(block) = self.heap.trailer(at).filter(|block| block.state != State::Free) else { return };
        if block.type_entry == 0 || block.state != State::Live {
            self.forget(at);
            self.give_back(&block);
        }
    }

    /// Frees a block that nothing refers to, and of which no handle is open.
    pub(super) fn give_back(&mut self, block: &Trailer) {
        self.keep(block.at);
        let batch = space::give_back(self.heap, self.cursor(), block);
        self.apply(&batch);
    }

    /// Names a block as loose, from the next commit on.
    fn loosen(&mut self, at: usize) {
        // There are never more than a value, a table and a list. One more would only be free later.
        if let Some(place) = self.directory.loose.iter_mut().find(|place| **place == 0) {
            *place = at as u64;
        }
    }

    /// Does not name a block as loose any more, from the next commit on.
    pub(super) fn keep(&mut self, at: usize) {
        for place in self.directory.loose.iter_mut().filter(|place| **place == at as u64) {
            *place = 0;
        }
    }

    /// Makes all stores of a batch, and publishes the directory, at once.
    fn apply(&mut self, batch: &space::Batch<'_>) {
        batch.record();
        self.directory.journal = self.directory.journal.wrapping_add(1);
        self.commit();
        changes::repeat_stores(self.heap, &self.directory);
    }

    fn cursor(&self) -> usize {
        usize_of(self.directory.cursor).clamp(self.heap.start(), self.heap.end_of_segment().max(self.heap.start()))
    }

    /// Publishes the editor's copy of the directory.
    pub(super) fn commit(&mut self) {
        self.cell.publish(&self.directory);
    }

    /// Finds the block of a key.
    pub(super) fn find(&self, key: &str) -> Option<Trailer> {
        crate::heap::find(self.heap, self.directory.table, key)
    }

    /// Takes a block of `length` bytes, which are zeros. It is loose, and not live.
    pub(super) fn take(&mut self, length: usize) -> Result<Trailer, Error> {
        if self.directory.allocated == 0 {
            self.reserve(self.heap.start())?;
        }
        let cursor = self.cursor();
        let taken = match self.reuse(length, false) {
            Some(taken) => taken,
            None => self.take_new(length).or_else(|error| self.reuse(length, true).ok_or(error))?,
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
            if !index.is_empty() {
                self.heap.reserve(index.start as u64, index.end as u64, index.end as u64)?;
            }
            Ok(reserved)
        };
        self.directory.allocated = reserve().map_err(|error: std::io::Error| {
            let bytes = needed as u64 - from;
            Error::io(format!("reserve {bytes} bytes for arena `{}`", self.segment.name()), error)
        })?;
        Ok(())
    }

    fn full(&self, needed: usize) -> Error {
        let start = self.heap.start();
        let capacity = self.heap.limit(self.directory.capacity).saturating_sub(start);
        let used = self.cursor() - start;
        Error::ArenaFull { name: self.segment.name().to_owned(), needed, used, capacity }
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
        let block = Trailer { type_entry, size: shape.size, key_length, hash: key.map_or(0, hash), ..taken };
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
        self.retire(&block, old);
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
        self.retire(&block, old);
        Ok(())
    }

    /// Takes a live block of `count` words.
    fn take_words(&mut self, count: usize) -> Result<Trailer, Error> {
        let length = block_length(count * WORD, 0).ok_or_else(|| self.full(usize::MAX))?;
        let block = self.take(length)?;
        self.heap.set_state(&block, State::Live);
        Ok(block)
    }

    /// Publishes the directory, which refers to a new block instead of an old one, and frees the old block.
    ///
    /// A look-up may be searching the old table. It checks each word that it finds there, as always. If it finds nothing,
    /// it sees that a change was counted, or else it begins its next search after that change, in the new table.
    fn retire(&mut self, new: &Trailer, old: Option<Trailer>) {
        self.keep(new.at);
        if let Some(old) = &old {
            self.loosen(old.at);
        }
        self.commit();
        if let Some(old) = old {
            if let Some(decision) = self.heap.decision() {
                decision.count();
            }
            self.give_back(&old);
        }
    }

    /// Returns the hash and the trailer of the block that a bucket refers to, if the block is live.
    fn live(&self, bucket: Bucket) -> Option<(u64, usize)> {
        let trailer = self.heap.trailer(bucket.trailer()).filter(|trailer| trailer.state == State::Live)?;
        Some((bucket.hash(trailer.hash), trailer.at))
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
