//! Putting an arena in order that no process has open.

use std::collections::HashSet;

use crate::arena::directory::Directory;
use crate::arena::editor::{class_of, table_block, usize_of};
use crate::arena::heap::{Heap, State, Trailer};
use crate::arena::kind::Kind;
use crate::arena::record;
use crate::cell::Cell;
use crate::cell::parts::Parts;
use crate::format::contents::Untyped;
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
    let mut known: HashSet<usize> = Kind::all(heap, usize_of(directory.kinds)).map(|(at, _)| at).collect();
    known.extend(table_block(heap, directory.table).map(|block| block.at));
    // Also what was removed, which may be read still, and may be joined to a record.
    let is_value = |block: &Trailer| matches!(block.state, State::Live | State::Removed);
    for block in heap.blocks(cursor, newest).filter(is_value) {
        if let Some(kind) = Kind::at(heap, block.kind) {
            Cell::<Untyped>::adopt_within(mapping, block.start, kind.shape(block.size), block.payload_end());
            if block.state == State::Live {
                known.insert(block.kind);
            }
        }
    }
    // Only now that nothing is joined to them.
    known.extend(record::adopt(mapping, directory.records));
    if is_read {
        return;
    }
    if let Some(table) = super::table(heap, directory.table) {
        let is_gone = |at| heap.trailer(at).is_none_or(|trailer| trailer.state != State::Live);
        for place in table.places().filter(|place| is_gone(place.trailer())) {
            table.forget(place);
        }
    }
    directory.free = Default::default();
    for block in heap.blocks(cursor, newest) {
        // What is live but no value, and nothing leads to it, was made by somebody who died before anything did.
        if known.contains(&block.at) || block.state == State::Live && block.kind != 0 {
            continue;
        }
        let first = &mut directory.free[class_of(block.end() - block.start)];
        heap.write_trailer(&Trailer { state: State::Free, key: *first, ..block });
        *first = block.at as u64;
    }
    parts.publish(&directory);
}
