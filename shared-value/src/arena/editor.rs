//! `Editor`: who holds the lock of an arena's directory, and adds or removes blocks.
//!
//! A block is taken by a commit of the directory before anything is written to it. So memory behind the cursor is all zeros,
//! and whoever dies in the middle of making something leaves a block that nobody finds: its space is lost until the arena is
//! opened by a process while no other has it open. A value comes into being by the one store that makes its block live, and
//! goes by the one that makes it removed.

use crate::heap::directory::{CLASSES, Directory};
use crate::heap::blocks::{Heap, State, TRAILER, Trailer, block_length};
use crate::heap::type_entry::TypeEntry;
use crate::heap::table::{Bucket, Table, hash};
use crate::error::Error;
use crate::format::CELL_ALIGN;
use crate::format::contents::Typed;
use crate::handle::guard::Guard;
use crate::segment::Segment;
use crate::sys;

/// The length of the first table.
const LEAST_TABLE: usize = 32;
const WORD: usize = size_of::<u64>();

pub(super) struct Editor<'a> {
    pub(super) heap: Heap<'a>,
    segment: &'a Segment,
    guard: Guard<'a, Directory>,
    pub(super) directory: Directory,
}

impl<'a> Editor<'a> {
    pub(super) fn new(segment: &'a Segment, guard: Guard<'a, Directory>) -> Result<Self, Error> {
        let directory = guard.load()?;
        let editor = Self { heap: Heap::of(segment), segment, guard, directory };
        editor.mend_newest();
        Ok(editor)
    }

    /// Gives the newest block a trailer if its maker died before it had one, so that the blocks before it are found.
    fn mend_newest(&self) {
        let Some((newest, at)) = self.newest() else { return };
        if self.heap.is_blank(at) {
            self.heap.write_trailer(&unused(newest, at));
        }
    }

    fn newest(&self) -> Option<(usize, usize)> {
        let (newest, cursor) = (usize_of(self.directory.newest), usize_of(self.directory.cursor));
        (newest > 0).then(|| (newest, cursor.saturating_sub(TRAILER)))
    }

    /// Publishes the directory as it is here.
    pub(super) fn commit(&mut self) -> Result<(), Error> {
        self.guard.set(self.directory)?;
        self.guard.commit();
        Ok(())
    }

    /// Takes a block of so many bytes, which are zeros. It is not live yet.
    pub(super) fn take(&mut self, length: usize) -> Result<Trailer, Error> {
        if let Some(reused) = self.reuse(length)? {
            return Ok(reused);
        }
        let start = usize_of(self.directory.cursor).max(self.heap.start()).checked_next_multiple_of(CELL_ALIGN);
        let end = start.and_then(|start| start.checked_add(length)).filter(|end| *end <= self.heap.end());
        let (start, end) = start.zip(end).ok_or_else(|| self.full(length))?;
        if end > usize_of(self.directory.allocated) {
            self.reserve(end)?;
        }
        (self.directory.newest, self.directory.cursor) = (start as u64, end as u64);
        self.commit()?;
        let trailer = unused(start, end - TRAILER);
        self.heap.write_trailer(&trailer);
        Ok(trailer)
    }

    /// Takes memory for all up to there, so that no access to it finds none later.
    fn reserve(&mut self, end: usize) -> Result<(), Error> {
        let from = self.directory.allocated.min(end as u64);
        let [ahead, needed] = self.heap.reservations(end).map(|end| end as u64);
        let take = |end: u64| sys::file::allocate(self.segment.file(), from..end).map(|()| end);
        self.directory.allocated = take(ahead).or_else(|_| take(needed)).map_err(|error| {
            Error::io(format!("reserve {} bytes for arena `{}`", needed - from, self.segment.name()), error)
        })?;
        Ok(())
    }

    fn full(&self, needed: usize) -> Error {
        let used = usize_of(self.directory.cursor).saturating_sub(self.heap.start());
        Error::ArenaFull { name: self.segment.name().to_owned(), needed, used, capacity: self.heap.capacity() }
    }

    /// A block of that length that nobody can have any more.
    fn reuse(&mut self, length: usize) -> Result<Option<Trailer>, Error> {
        let class = class_of(length);
        let at = usize_of(self.directory.free[class]);
        let Some(free) = self.heap.trailer(at).filter(|trailer| trailer.state == State::Free) else { return Ok(None) };
        if free.end() - free.start != length {
            // In the list of all lengths; one that does not fit waits for one that does.
            return Ok(None);
        }
        self.directory.free[class] = free.key;
        self.commit()?;
        let trailer = Trailer { generation: free.generation + 1, ..unused(free.start, at) };
        self.heap.write_trailer(&trailer);
        self.heap.clear(&trailer);
        Ok(Some(trailer))
    }

    /// The trailer of the kind of a type, which is made if there is none.
    pub(super) fn kind<C: Typed + ?Sized>(&mut self, atomics: usize) -> Result<usize, Error> {
        let known =
            TypeEntry::all(self.heap, usize_of(self.directory.kinds)).find(|(_, kind)| kind.fingerprint == C::FINGERPRINT);
        if let Some((at, _)) = known {
            return Ok(at);
        }
        let schema = C::schema();
        let length = block_length(TypeEntry::payload(&schema), 0).ok_or_else(|| self.full(usize::MAX))?;
        let block = self.take(length)?;
        TypeEntry::write(self.heap, block.start, C::FINGERPRINT, atomics, &schema, self.directory.kinds);
        self.heap.set_state(&block, State::Live);
        self.directory.kinds = block.at as u64;
        self.commit()?;
        Ok(block.at)
    }

    /// Sees to it that the table has an empty place left after one more was taken, and that half of them are while it is new.
    pub(super) fn make_place(&mut self) -> Result<(), Error> {
        let table = super::table(self.heap, self.directory.table);
        let length = table.map_or(0, Table::length);
        if usize_of(self.directory.taken) < length / 4 * 3 {
            return Ok(());
        }
        let live: Vec<_> = table.into_iter().flat_map(Table::places).filter_map(|place| self.live(place)).collect();
        let length = ((live.len() + 1) * 2).next_power_of_two().max(LEAST_TABLE);
        let block = block_length(length * WORD, 0).ok_or_else(|| self.full(usize::MAX))?;
        let block = self.take(block)?;
        if let Some(larger) = self.heap.words(block.start, length).and_then(Table::of) {
            for (hash, at) in &live {
                larger.insert(*hash, *at);
            }
        }
        self.heap.set_state(&block, State::Live);
        let old = table_block(self.heap, self.directory.table);
        self.directory.table = block.start as u64 | u64::from(length.trailing_zeros());
        self.directory.taken = live.len() as u64;
        self.commit()?;
        if let Some(old) = old {
            self.heap.set_state(&old, State::Removed);
        }
        Ok(())
    }

    /// The hash and the trailer of a block that a place leads to, if it is live.
    fn live(&self, place: Bucket) -> Option<(u64, usize)> {
        let trailer = self.heap.trailer(place.trailer()).filter(|trailer| trailer.state == State::Live)?;
        Some((place.hash(trailer.key >> 32), trailer.at))
    }

    /// Adds a block to the table, for which `make_place` has made a place.
    pub(super) fn insert(&mut self, key: &str, block: &Trailer) -> Result<(), Error> {
        self.directory.taken += 1;
        self.commit()?;
        if let Some(table) = super::table(self.heap, self.directory.table) {
            table.insert(hash(key), block.at);
        }
        Ok(())
    }
}

/// A block that is not in use.
pub(super) fn unused(start: usize, at: usize) -> Trailer {
    Trailer { at, state: State::Made, generation: 0, kind: 0, start, size: 0, key: 0 }
}

/// The block that a table lies in.
pub(super) fn table_block(heap: Heap<'_>, table: u64) -> Option<Trailer> {
    let words = super::table(heap, table)?.length();
    let start = usize_of(table & !63);
    heap.trailer(start.checked_add(block_length(words * WORD, 0)?)? - TRAILER)
}

/// The list of free blocks of that length.
pub(super) fn class_of(length: usize) -> usize {
    (length / CELL_ALIGN).clamp(1, CLASSES) - 1
}

#[expect(clippy::cast_possible_truncation, reason = "words are as long as pointers")]
pub(super) fn usize_of(word: u64) -> usize {
    word as usize
}
