//! Putting an arena in order that no process has open.

use crate::arena::directory::Directory;
use crate::arena::editor::{class_of, table_block, usize_of};
use crate::arena::heap::{Heap, State, Trailer};
use crate::arena::kind::Kind;
use crate::cell::{Cell, Parts};
use crate::contents::Untyped;
use crate::segment::Mapping;

/// Frees the locks of all values, which nobody can hold, and if nobody reads either, the space of all that was removed.
///
/// If this process dies in the middle of it, the next one does it again.
pub(crate) fn adopt(mapping: &Mapping, is_read: bool) {
    let heap = Heap::of(mapping);
    // What is no arena has nothing but its own value.
    let Ok(parts) = Parts::<Directory>::first(mapping) else { return };
    let Ok(mut directory) = parts.committed() else { return };
    let (cursor, newest) = (usize_of(directory.cursor), usize_of(directory.newest));
    for block in heap.blocks(cursor, newest).filter(|block| block.state == State::Live) {
        if let Some(kind) = Kind::at(heap, block.kind) {
            Cell::<Untyped>::adopt_within(mapping, block.start, kind.shape(block.size), block.payload_end());
        }
    }
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
    let table = table_block(heap, directory.table).map(|block| block.at);
    for block in heap.blocks(cursor, newest) {
        if block.state == State::Live || Some(block.at) == table {
            continue;
        }
        let first = &mut directory.free[class_of(block.end() - block.start)];
        heap.write_trailer(&Trailer { state: State::Free, key: *first, ..block });
        *first = block.at as u64;
    }
    parts.publish(&directory);
}
