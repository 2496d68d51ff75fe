//! Finding the values of an arena, by key or by id, without its lock.

use std::sync::Arc;

use crate::cell::{Cell, Recognized};
use crate::error::Error;
use crate::format::Described;
use crate::format::contents::Contents;
use crate::heap::block_id::BlockId;
use crate::heap::blocks::{Heap, Trailer};
use crate::heap::table::{hash, table_at};
use crate::heap::type_entry::TypeEntry;
use crate::segment::Segment;

/// Finds the block of a key. `table` is the word of the directory that says where the table lies.
#[inline(always)]
pub(crate) fn find(heap: Heap<'_>, table: u64, key: &str) -> Option<Trailer> {
    table_at(heap, table)?
        .candidates(hash(key))
        .filter_map(|bucket| heap.trailer(bucket.trailer()))
        .find(|block| heap.is_live(block) && heap.has_key(block, key))
}

/// Finds the block of an id.
#[inline(always)]
pub(crate) fn find_at(heap: Heap<'_>, id: BlockId) -> Option<Trailer> {
    heap.trailer(id.trailer(heap))
        .filter(|block| block.type_entry != 0 && block.generation == id.generation(heap) && heap.is_live(block))
}

/// Opens the value of an id.
///
/// # Errors
/// `NotFound`; `LayoutMismatch` if the value is of another type; `InvalidSegment` if its block was overwritten.
pub(crate) fn cell_at<C: Recognized + ?Sized>(segment: &Arc<Segment>, id: BlockId) -> Result<Cell<C>, Error> {
    let name = || format!("{id} in {}", segment.name());
    let found = find_at(Heap::of(segment), id).ok_or_else(|| Error::NotFound { name: name() })?;
    cell_of(segment, &found, name)
}

/// Opens the value in a block, which `name` names in errors.
///
/// # Errors
/// `LayoutMismatch` if the value is of another type; `InvalidSegment` if the block was overwritten.
#[inline(always)]
pub(crate) fn cell_of<C: Recognized + ?Sized>(
    segment: &Arc<Segment>,
    block: &Trailer,
    name: impl Fn() -> String,
) -> Result<Cell<C>, Error> {
    let entry = TypeEntry::at(Heap::of(segment), block.type_entry).ok_or_else(|| lost(segment, block.at))?;
    let described =
        Described { name: &name, fingerprint: entry.fingerprint, schema: &|| entry.schema(), size: block.size };
    cell_in(segment, block, C::in_arena(&described)?).ok_or_else(|| lost(segment, block.at))
}

/// Returns the cell with these facts in a block, if there is room for it before the key.
#[inline(always)]
pub(crate) fn cell_in<C: Contents + ?Sized>(
    segment: &Arc<Segment>,
    block: &Trailer,
    facts: C::Facts,
) -> Option<Cell<C>> {
    Cell::within(segment, block.start, facts, block.payload_end(), BlockId::of(Heap::of(segment), block).to_bits())
}

/// Returns the error for a block that another process has overwritten.
#[cold]
pub(crate) fn lost(segment: &Segment, at: usize) -> Error {
    Error::InvalidSegment {
        name: segment.name().to_owned(),
        field: "block",
        expected: format!("a value of its type before the trailer at {at}"),
        found: "something else".to_owned(),
    }
}
