//! `adopt`: repairs an arena that no other process has open.

use std::collections::HashSet;

use crate::cell::Cell;
use crate::cell::parts::Parts;
use crate::error::Error;
use crate::format::contents::Untyped;
use crate::heap::blocks::{Heap, State, Trailer};
use crate::heap::changes;
use crate::heap::directory::{Directory, class_of};
use crate::heap::record;
use crate::heap::table::{table_at, table_block};
use crate::heap::type_entry::TypeEntry;
use crate::heap::usize_of;
use crate::segment::Mapping;

/// Frees the locks of all values and the records of transactions, which no thread can hold, and finishes changes that were
/// being made. If no process reads the arena either, frees the space of all removed blocks.
///
/// If this process dies before it is done, the next one begins again.
///
/// # Errors
/// `Io` if the file is a copy with holes, and there is no memory for them.
pub(crate) fn adopt(mapping: &Mapping, is_read: bool) -> Result<(), Error> {
    let heap = Heap::of(mapping);
    // A segment that is not an arena has nothing but its own value.
    let Ok(parts) = Parts::<Directory>::first(mapping) else { return Ok(()) };
    let Ok(mut directory) = parts.committed() else { return Ok(()) };
    mapping.fill_holes(usize_of(directory.allocated))?;
    changes::recover(heap, &directory);
    let (cursor, newest) = (usize_of(directory.cursor), usize_of(directory.newest));
    // The blocks in use that do not hold values.
    let mut known: HashSet<usize> = TypeEntry::all(heap, usize_of(directory.types)).map(|(at, _)| at).collect();
    known.extend(table_block(heap, directory.table).map(|block| block.at));
    known.extend(table_block(heap, directory.list).map(|block| block.at));
    // Removed values count too: they may still be read, and may be joined to a record.
    let is_value = |block: &Trailer| matches!(block.state, State::Live | State::Removed);
    let mut values = 0;
    for block in heap.blocks(cursor, newest).filter(is_value) {
        if let Some(entry) = TypeEntry::at(heap, block.type_entry) {
            Cell::<Untyped>::adopt_within(mapping, block.start, entry.shape(block.size), block.payload_end());
            if block.state == State::Live {
                known.insert(block.type_entry);
                values += 1;
            }
        }
    }
    // This must come after the loop, when no value is joined to a record any more.
    known.extend(record::adopt(mapping, directory.records));
    if is_read {
        return Ok(());
    }
    if let Some(table) = table_at(heap, directory.table) {
        let is_gone = |at| heap.trailer(at).is_none_or(|trailer| trailer.state != State::Live);
        for bucket in table.buckets().filter(|bucket| is_gone(bucket.trailer())) {
            table.forget(bucket);
        }
    }
    directory.free = Default::default();
    for block in heap.blocks(cursor, newest) {
        // A live block without a value that nothing refers to: its maker died before anything referred to it.
        if known.contains(&block.at) || block.state == State::Live && block.type_entry != 0 {
            continue;
        }
        let first = &mut directory.free[class_of(block.end() - block.start)];
        heap.write_trailer(&Trailer { state: State::Free, key: *first, ..block });
        *first = block.at as u64;
    }
    (directory.values, directory.changes, directory.listed) = (values, Default::default(), 0);
    parts.publish(&directory);
    Ok(())
}

/// Returns how many bytes of the segment have memory, if it is an arena, otherwise 0.
pub(crate) fn allocated(mapping: &Mapping) -> usize {
    let directory = Parts::<Directory>::first(mapping).and_then(|parts| parts.committed());
    directory.map_or(0, |directory| usize_of(directory.allocated))
}
