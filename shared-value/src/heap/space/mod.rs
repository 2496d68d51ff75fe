//! The space of an arena: where blocks end, and what is free.
//!
//! Free blocks are split when a smaller block is needed, and a block that becomes free merges with its free neighbours. The
//! owner of the directory's lock does this. Each step consists of several stores; they are written to a
//! [journal](journal) first, so a process that dies between them has done all of them or none.
//!
//! A block is free only if no handle of it is open. So no look-up, which takes no lock, uses the contents of a block that
//! becomes free meanwhile. But an old id, or an old bucket of the table, may name a place that lies inside another block by
//! now. The [index](index) says at which places blocks end, and nothing else is ever taken for a trailer.

pub(crate) mod index;
pub(crate) mod journal;
mod lists;
mod rebuild;
mod stats;
pub(crate) mod waiting;

pub(crate) use journal::Batch;
pub(crate) use lists::Free;
pub(crate) use rebuild::rebuild;
pub use stats::ArenaStats;

use crate::format::{CELL_ALIGN, Extent};
use crate::heap::blocks::{Heap, State, TRAILER, Trailer};
use crate::heap::space::index::{Bits, PAGE};

/// A block that is about to be taken, when the batch is done.
pub(crate) struct Taken<'a> {
    pub(crate) batch: Batch<'a>,
    pub(crate) block: Trailer,
}

/// Finds a free block of at least `length` bytes. `thoroughly` looks at all that may be long enough.
pub(crate) fn find(heap: Heap<'_>, cursor: usize, length: usize, thoroughly: bool) -> Option<Free> {
    lists::find(heap, cursor, length, thoroughly)
}

/// Takes the upper part of a free block.
pub(crate) fn carve(heap: Heap<'_>, free: Free, length: usize) -> Taken<'_> {
    let mut batch = Batch::new(heap);
    let start = free.end.saturating_sub(length).max(free.start);
    if start == free.start {
        lists::unlink(&mut batch, free);
        batch.clear(Bits::Starts, free.start);
    } else {
        // The rest keeps its place in its list if it belongs there.
        lists::shorten(&mut batch, free, start);
    }
    let block = batch.block(start, free.end);
    Taken { batch, block }
}

/// Returns where a new block of `length` bytes starts and ends that is not taken from the free blocks: behind the cursor, or
/// at the last free block if that ends at the cursor.
pub(crate) fn behind(heap: Heap<'_>, cursor: usize, length: usize) -> Option<(usize, usize)> {
    let start = lists::ending_at(heap, cursor, cursor).map_or(cursor, |last| last.start);
    let end = start.checked_add(length)?;
    // The index is zero behind the page in which the last block ends.
    let place = end - TRAILER;
    if place / PAGE != cursor.saturating_sub(TRAILER) / PAGE || !heap.is_used_up(end) {
        return Some((start, end));
    }
    let end = (place / PAGE + 1) * PAGE + CELL_ALIGN;
    Some((end.checked_sub(length)?, end))
}

/// Takes the block that [`behind`] has found.
pub(crate) fn grow(heap: Heap<'_>, cursor: usize, (start, end): (usize, usize)) -> Taken<'_> {
    let mut batch = Batch::new(heap);
    let last = lists::ending_at(heap, cursor, cursor);
    if let Some(last) = last {
        lists::unlink(&mut batch, last);
        batch.clear(Bits::Starts, last.start);
    }
    let block = batch.block(start, end);
    if last.is_some() {
        batch.clear(Bits::Ends, cursor - TRAILER);
    }
    batch.set(Bits::Ends, block.at);
    Taken { batch, block }
}

/// Frees a block, of which no handle is open, and merges it with its free neighbours.
pub(crate) fn give_back<'a>(heap: Heap<'a>, cursor: usize, block: &Trailer) -> Batch<'a> {
    let mut batch = Batch::new(heap);
    let (mut start, mut end) = (block.start, block.end());
    let left = lists::ending_at(heap, cursor, start);
    let right = heap.is_set(Bits::Starts, end).then(|| Free::at(heap, cursor, end)).flatten();
    if let Some(left) = left {
        lists::unlink(&mut batch, left);
        start = left.start;
    }
    if let Some(right) = right {
        lists::unlink(&mut batch, right);
        batch.clear(Bits::Starts, right.start);
        end = right.end;
    }
    lists::write_free(&mut batch, Free { start, end });
    if heap.is_set(Bits::Waiting, block.at) {
        batch.clear(Bits::Waiting, block.at);
    }
    // Look-ups must not take a place for a trailer that is about to lie inside a block.
    if left.is_some() {
        batch.clear(Bits::Ends, block.start - TRAILER);
    }
    if right.is_some() {
        batch.clear(Bits::Ends, block.at);
    }
    lists::link(&mut batch, Free { start, end });
    batch
}

/// Cuts off the end of a free block, where no block may end any more. The part is lost: less than a page, after more
/// uses than ids can count.
pub(crate) fn shrink(heap: Heap<'_>, free: Free) -> Batch<'_> {
    let mut batch = Batch::new(heap);
    let end = (free.end - TRAILER) / PAGE * PAGE;
    lists::unlink(&mut batch, free);
    if end > free.start {
        let rest = Free { start: free.start, end };
        lists::write_free(&mut batch, rest);
        batch.clear(Bits::Ends, free.end - TRAILER);
        batch.set(Bits::Ends, end - TRAILER);
        lists::link(&mut batch, rest);
    } else {
        batch.clear(Bits::Starts, free.start);
        batch.clear(Bits::Ends, free.end - TRAILER);
    }
    batch
}

impl Batch<'_> {
    /// Makes a block with a new generation, which is not present.
    fn block(&mut self, start: usize, end: usize) -> Trailer {
        let at = end - TRAILER;
        let generation = self.next_generation(at);
        let block = Trailer {
            at,
            state: State::Made,
            generation,
            type_entry: 0,
            start,
            extent: Extent::default(),
            key_length: 0,
            hash: 0,
        };
        for (number, word) in block.words().into_iter().enumerate() {
            self.write(at + number * size_of::<u64>(), word);
        }
        block
    }
}
