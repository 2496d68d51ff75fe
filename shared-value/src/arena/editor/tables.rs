//! The table of keys of an arena, and its list of changes, as an [`Editor`] replaces them by larger ones.

use crate::arena::editor::Editor;
use crate::error::Error;
use crate::heap::{Bucket, State, Table, Trailer, block_length, changes, hash, table_at, table_block, usize_of};

/// The number of words in the first table, and in the first list of changes.
const LEAST: usize = 32;
const WORD: usize = size_of::<u64>();

impl Editor<'_> {
    /// Makes a list for `count` changes, if the present list is too short.
    pub(super) fn make_list(&mut self, count: usize) -> Result<(), Error> {
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
    pub(super) fn make_room(&mut self, count: usize) -> Result<(), Error> {
        let table = table_at(self.heap, self.directory.table);
        let length = table.map_or(0, Table::length);
        if usize_of(self.directory.taken).saturating_add(count) <= length / 4 * 3 {
            return Ok(());
        }
        let present: Vec<_> =
            table.into_iter().flat_map(Table::buckets).filter_map(|bucket| self.present(bucket)).collect();
        let length = ((present.len() + count) * 2).next_power_of_two().max(LEAST);
        let block = self.take_words(length)?;
        if let Some(larger) = self.heap.words(block.start, length).and_then(Table::of) {
            for (hash, at) in &present {
                if let Some(bucket) = larger.vacancy(*hash, |_| true) {
                    larger.fill(bucket, *hash, *at);
                }
            }
        }
        let old = table_block(self.heap, self.directory.table);
        self.directory.table = block.start as u64 | u64::from(length.trailing_zeros());
        self.directory.taken = present.len() as u64;
        self.retire(&block, old);
        Ok(())
    }

    /// Takes a present block of `count` words.
    fn take_words(&mut self, count: usize) -> Result<Trailer, Error> {
        let length = block_length(count * WORD, 0).ok_or_else(|| self.full(usize::MAX))?;
        let block = self.take(length)?;
        self.heap.set_state(&block, State::Present);
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

    /// Returns the hash and the trailer of the block that a bucket refers to, if the block is present.
    fn present(&self, bucket: Bucket) -> Option<(u64, usize)> {
        let trailer = self.heap.trailer(bucket.trailer()).filter(|trailer| trailer.state == State::Present)?;
        Some((bucket.hash(trailer.hash), trailer.at))
    }

    /// Clears the table's bucket for a removed block.
    pub(super) fn forget(&self, at: usize) {
        let key = self.heap.trailer(at).and_then(|block| self.heap.key(&block));
        if let (Some(key), Some(table)) = (key, table_at(self.heap, self.directory.table))
            && let Some(bucket) = table.candidates(hash(&key)).find(|bucket| bucket.trailer() == at)
        {
            table.forget(bucket);
        }
    }
}
