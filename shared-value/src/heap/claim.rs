//! Claims of the values of an arena, so that the space of a removed value is not used again while a handle of it is open.
//! `protocol/claims.rs` says why that is right.

use std::sync::Arc;

use crate::cell::Place;
use crate::cell::parts::Parts;
use crate::error::Error;
use crate::heap::block_id::BlockId;
use crate::heap::blocks::{Heap, Trailer, lost};
use crate::heap::directory::Directory;
use crate::heap::space::index;
use crate::segment::{Layout, Mapping, Segment};

/// Returns where the claims of an arena lie. `None` if another process has overwritten its directory.
pub(super) fn layout(mapping: &Mapping, capacity: u64) -> Option<Layout> {
    let layout = Layout::of(mapping.length(), capacity, index::length(capacity))?;
    let blocks = Heap::of(mapping).start() as u64 + capacity;
    (layout.slots().start as u64 >= blocks).then_some(layout)
}

/// Returns the bytes that index and claims of an arena with this capacity take behind the blocks.
pub(crate) fn reserve(capacity: u64) -> u64 {
    index::length(capacity) + Layout::reserve(capacity)
}

/// Begins to count the handles of the arena's values, unless that was begun.
///
/// # Errors
/// `InvalidSegment` if another process has overwritten the directory.
#[inline]
pub(crate) fn begin(segment: &Arc<Segment>) -> Result<(), Error> {
    if segment.layout_of_claims().is_some() { Ok(()) } else { begin_slowly(segment) }
}

#[cold]
fn begin_slowly(segment: &Arc<Segment>) -> Result<(), Error> {
    // The capacity never changes. So it can be read without the lock.
    let directory = Parts::<Directory>::first(segment)?.committed()?;
    segment.begin_claims(layout(segment, directory.capacity).ok_or_else(|| lost(segment, 0))?);
    Ok(())
}

/// Claims the place of a block, which nothing removes meanwhile.
///
/// # Errors
/// `Io` if a process that may only read has no descriptor left; `InvalidSegment` if another process has overwritten the arena.
#[inline]
pub(crate) fn claim(segment: &Arc<Segment>, block: &Trailer) -> Result<Place, Error> {
    claim_unit(segment, block)?;
    Ok(place_of(segment, block))
}

/// Returns the place of a block that is claimed.
#[inline(always)]
fn place_of(segment: &Arc<Segment>, block: &Trailer) -> Place {
    Place::claimed(segment, BlockId::of(Heap::of(segment), block).to_bits(), block.start, Layout::unit(block.at))
}

#[inline(always)]
fn claim_unit(segment: &Arc<Segment>, block: &Trailer) -> Result<(), Error> {
    let unit = Layout::unit(block.at);
    if segment.claim_simply(unit) { Ok(()) } else { claim_slowly(segment, unit) }
}

/// Takes no reference to the block: callers would then keep it in memory instead of registers, which slows each opening down.
#[cold]
#[inline(never)]
fn claim_slowly(segment: &Arc<Segment>, unit: usize) -> Result<(), Error> {
    begin(segment)?;
    let claimed = segment.claim(unit);
    claimed.map_err(|error| Error::io(format!("claim a value of `{}`", segment.name()), error))
}

/// Claims the place of a block that a look-up has found; `None` if the block was removed since.
///
/// # Errors
/// Those of [`claim`].
#[inline(always)]
pub(crate) fn claim_found(segment: &Arc<Segment>, block: &Trailer) -> Result<Option<Place>, Error> {
    claim_unit(segment, block)?;
    if !Heap::of(segment).is_still(block) {
        segment.unclaim(Layout::unit(block.at), block.start);
        return Ok(None);
    }
    Ok(Some(place_of(segment, block)))
}
