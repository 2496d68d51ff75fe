//! Finding the values of an arena, by key or by id, without its lock.

use std::sync::Arc;

use crate::cell::{Cell, Place, Recognized};
use crate::error::Error;
use crate::format::Described;
use crate::format::contents::{Contents, Untyped};
use crate::heap::block_id::BlockId;
use crate::heap::blocks::{Heap, Trailer, lost};
use crate::heap::claim::claim_found;
use crate::heap::table::{hash, table_at};
use crate::heap::type_entry::TypeEntry;
use crate::segment::Segment;

/// Finds the block of a key. `table` is the word of the directory that says where the table lies.
#[inline(always)]
pub(crate) fn find(heap: Heap<'_>, table: u64, key: &str) -> Option<Trailer> {
    table_at(heap, table)?
        .candidates(hash(key))
        .filter_map(|bucket| heap.trailer(bucket.trailer()))
        .find(|block| heap.is_present(block) && heap.has_key(block, key))
}

/// Finds the block of an id.
#[inline(always)]
pub(crate) fn find_at(heap: Heap<'_>, id: BlockId) -> Option<Trailer> {
    let block = heap.trailer(id.trailer(heap))?;
    let is_it = block.type_entry != 0 && block.generation == id.generation(heap) && heap.is_present(&block);
    is_it.then_some(block)
}

/// Opens the value of an id.
///
/// # Errors
/// `NotFound`; `LayoutMismatch` if the value is of another type; `InvalidSegment` if its block was overwritten; `Io` if it
/// cannot be claimed.
pub(crate) fn cell_at<C: Recognized + ?Sized>(segment: &Arc<Segment>, id: BlockId) -> Result<Cell<C>, Error> {
    let name = || format!("{id} in {}", segment.name());
    let found = find_at(Heap::of(segment), id).ok_or_else(|| Error::NotFound { name: name() })?;
    // An id never leads to another block, so there is nothing to look for again.
    cell_of(segment, &found, name)?.ok_or_else(|| Error::NotFound { name: name() })
}

/// Opens the value in a block that a look-up has found, and which `name` names in errors; `None` if the value was removed
/// since.
///
/// # Errors
/// `LayoutMismatch` if the value is of another type; `InvalidSegment` if the block was overwritten; `Io` if it cannot be
/// claimed.
#[inline(always)]
pub(crate) fn cell_of<C: Recognized + ?Sized>(
    segment: &Arc<Segment>,
    block: &Trailer,
    name: impl Fn() -> String,
) -> Result<Option<Cell<C>>, Error> {
    let entry = TypeEntry::at(Heap::of(segment), block.type_entry).ok_or_else(|| lost(segment, block.at))?;
    let described =
        Described { name: &name, fingerprint: entry.fingerprint, schema: &|| entry.schema(), extent: block.extent };
    // A type entry stays forever, and what the block says was read at one moment. So both may be checked before the claim.
    let facts = C::in_arena(&described)?;
    let Some(place) = claim_found(segment, block)? else { return Ok(None) };
    match cell_in(place, block, facts) {
        Some(cell) => Ok(Some(cell)),
        None => Err(lost(segment, block.at)),
    }
}

/// Opens the value with versions in a block that was found, whatever its type is; `None` if the value was removed since.
///
/// # Errors
/// `InvalidSegment` if the block was overwritten; `Io` if it cannot be claimed.
pub(crate) fn untyped_cell_of(segment: &Arc<Segment>, block: &Trailer) -> Result<Option<Cell<Untyped>>, Error> {
    let Some(place) = claim_found(segment, block)? else { return Ok(None) };
    let entry = TypeEntry::at(Heap::of(segment), block.type_entry).ok_or_else(|| lost(segment, block.at))?;
    Ok(Some(cell_in(place, block, entry.shape(block.extent.size())).ok_or_else(|| lost(segment, block.at))?))
}

/// Returns the cell with these facts in a block, if there is room for it before the key.
#[inline(always)]
pub(crate) fn cell_in<C: Contents + ?Sized>(place: Place, block: &Trailer, facts: C::Facts) -> Option<Cell<C>> {
    let cell = Cell::within(place, block.start, facts, block.payload_end())?;
    // Only a value with one slot may have another lock.
    Some(if C::IS_ONE_SLOT && !block.extent.is_recursive() { cell.non_recursive() } else { cell })
}
