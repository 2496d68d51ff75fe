//! Putting an arena in order that no process has open.

use std::collections::HashSet;

use crate::cell::Cell;
use crate::cell::parts::Parts;
use crate::format::contents::Untyped;
use crate::heap::blocks::{Heap, State, Trailer};
use crate::heap::directory::{Directory, class_of};
use crate::heap::record;
use crate::heap::table::{table_at, table_block};
use crate::heap::type_entry::TypeEntry;
use crate::heap::usize_of;
use crate::segment::Mapping;

/// Frees the locks of all values, which nobody can hold, and what transactions are recorded in, and if nobody reads either,
/// the space of all that was removed.
///
/// If this process dies in the middle of it, the next one does it again.
pub(crate) fn adopt(mapping: &Mapping, is_read: bool) {
    let heap = Heap::of(mapping);
    // What is no arena has nothing but its own value.
    let Ok(parts) = Parts::<Directory>::first(mapping) else { return };
    let Ok(mut directory) = parts.committed() else { return };
    let (cursor, newest) = (usize_of(directory.cursor), usize_of(directory.newest));
    // What leads to blocks that hold no values.
    let mut known: HashSet<usize> = TypeEntry::all(heap, usize_of(directory.types)).map(|(at, _)| at).collect();
    known.extend(table_block(heap, directory.table).map(|block| block.at));
    // Also what was removed, which may be read still, and may be joined to a record.
    let is_value = |block: &Trailer| matches!(block.state, State::Live | State::Removed);
    for block in heap.blocks(cursor, newest).filter(is_value) {
        if let Some(entry) = TypeEntry::at(heap, block.type_entry) {
            Cell::<Untyped>::adopt_within(mapping, block.start, entry.shape(block.size), block.payload_end());
            if block.state == State::Live {
                known.insert(block.type_entry);
            }
        }
    }
    // Only now that nothing is joined to them.
    known.extend(record::adopt(mapping, directory.records));
    if is_read {
        return;
    }
    if let Some(table) = table_at(heap, directory.table) {
        let is_gone = |at| heap.trailer(at).is_none_or(|trailer| trailer.state != State::Live);
        for bucket in table.places().filter(|bucket| is_gone(bucket.trailer())) {
            table.forget(bucket);
        }
    }
    directory.free = Default::default();
    for block in heap.blocks(cursor, newest) {
        // What is live but no value, and nothing leads to it, was made by somebody who died before anything did.
        if known.contains(&block.at) || block.state == State::Live && block.type_entry != 0 {
            continue;
        }
        let first = &mut directory.free[class_of(block.end() - block.start)];
        heap.write_trailer(&Trailer { state: State::Free, key: *first, ..block });
        *first = block.at as u64;
    }
    parts.publish(&directory);
}
