//! `adopt`: repairs an arena that no other process has open.

use std::collections::{HashMap, HashSet};

use crate::cell::Cell;
use crate::cell::parts::Parts;
use crate::error::Error;
use crate::format::contents::{Shape, Typed, Untyped};
use crate::format::growth::Growth;
use crate::heap::blocks::{Heap, State, Trailer, lost};
use crate::heap::changes;
use crate::heap::claim::layout;
use crate::heap::directory::Directory;
use crate::heap::space::waiting::Waiting;
use crate::heap::table::{table_at, table_block};
use crate::heap::type_entry::TypeEntry;
use crate::heap::usize_of;
use crate::heap::{record, space};
use crate::segment::{Layout, Mapping};

/// Frees the locks of all values and the transaction records, which no thread can hold, and finishes changes that were
/// being made. Frees the space of all blocks that nothing refers to, and that of removed values of which no process that reads
/// the arena has a handle.
///
/// If this process dies before it is done, the next one begins again.
///
/// # Errors
/// `Io` if the file is a copy with holes, and there is no memory for them.
pub(crate) fn adopt(mapping: &Mapping, is_read: bool) -> Result<(), Error> {
    // A segment that is not an arena has nothing but its own value. To describe in which ways it differs would take long.
    if mapping.entries()[0].schema() != Directory::schema() {
        return Ok(());
    }
    let heap = Heap::of(mapping);
    let Ok(parts) = Parts::<Directory>::first(mapping) else { return Ok(()) };
    let Ok(mut directory) = parts.committed() else { return Ok(()) };
    let allocated = usize_of(directory.allocated).min(heap.end_of_segment());
    mapping.fill_holes(0..allocated)?;
    mapping.fill_holes(heap.index_of(allocated).start..heap.end_of_segment())?;
    let layout = layout(mapping, directory.capacity).ok_or_else(|| lost(mapping, 0))?;
    mapping.reset_claims(layout)?;
    changes::repeat_stores(heap, &directory);
    changes::recover(heap, &directory);
    let cursor = usize_of(directory.cursor).min(heap.end_of_segment());
    // The blocks in use that do not hold values.
    let mut known: HashSet<usize> = TypeEntry::all(heap, usize_of(directory.types)).map(|(at, _)| at).collect();
    known.extend(table_block(heap, directory.table).map(|block| block.at));
    known.extend(table_block(heap, directory.list).map(|block| block.at));
    // Removed values count too: they may still be read, and may be joined to a record.
    let is_value = |block: &Trailer| matches!(block.state, State::Present | State::Removed);
    let (mut values, mut types) = (0, HashMap::new());
    for block in heap.blocks(cursor).filter(is_value) {
        if let Some(entry) = TypeEntry::at(heap, block.type_entry) {
            let facts = types.entry(block.type_entry).or_insert_with(|| (entry.element(), entry.lanes()));
            let (element, lanes) = *facts;
            let size = block.extent.size();
            let shape = entry.shape(size).slotted(block.extent.is_one_slot()).with_lanes(lanes);
            // Otherwise the next change would copy all of its capacity.
            let may_grow = shape.atomics == 0 && !shape.is_one_slot();
            let growth = element.filter(|_| may_grow).and_then(|element| Growth::of_size(element, size));
            let shape = growth.map_or(shape, Shape::growing);
            Cell::<Untyped>::adopt_within(mapping, block.start, shape, block.payload_end());
            if block.state == State::Present {
                known.insert(block.type_entry);
                values += 1;
            }
        }
    }
    // This must come after the loop, when no value is joined to a record any more.
    known.extend(record::adopt(mapping, directory.records));
    // A process that reads may have a handle of a removed value.
    let is_locked = is_read.then(|| mapping.is_locked());
    let is_claimed = |block: &Trailer| {
        let is_loose = directory.loose.contains(&(block.at as u64));
        !is_loose && is_locked.as_ref().is_some_and(|is_locked| is_locked(Layout::unit(block.at)))
    };
    // A block that nothing refers to, and that no look-up could ever find: its maker died before anything referred to it.
    let is_used = |block: &Trailer| match block.state {
        State::Free | State::Made => false,
        State::Removed => is_claimed(block),
        _ => known.contains(&block.at) || block.type_entry != 0,
    };
    if let Some(table) = table_at(heap, directory.table) {
        let is_gone = |at| heap.trailer(at).is_none_or(|trailer| trailer.state != State::Present);
        for bucket in table.buckets().filter(|bucket| is_gone(bucket.trailer())) {
            table.forget(bucket);
        }
    }
    if cursor > heap.start() {
        space::rebuild(heap, cursor, is_used);
    }
    let waiting = Waiting::at(heap, layout);
    waiting.inspect(|waiting| waiting.reset());
    for block in heap.blocks(cursor).filter(|block| block.state == State::Removed) {
        waiting.inspect(|waiting| waiting.begin(block.at));
    }
    (directory.values, directory.changes, directory.listed) = (values, Default::default(), 0);
    directory.loose = Default::default();
    parts.publish(&directory);
    Ok(())
}

/// Returns how many bytes of the segment have memory, if it is an arena, otherwise 0.
pub(crate) fn allocated(mapping: &Mapping) -> usize {
    let directory = Parts::<Directory>::first(mapping).and_then(|parts| parts.committed());
    directory.map_or(0, |directory| usize_of(directory.allocated))
}
