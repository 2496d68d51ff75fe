//! `Record`: the word by which a transaction commits several values at once.
#![allow(unsafe_code)]

use core::iter;
use core::mem::offset_of;
use std::collections::HashSet;
use std::sync::Arc;

use crate::arena::editor::usize_of;
use crate::arena::heap::{Heap, State, block_length};
use crate::arena::values::{ArenaValues, cell_in};
use crate::cell::Cell;
use crate::cell::parts::record;
use crate::error::Error;
use crate::format::contents::{Contents, Shape};
use crate::handle::access::ReadWrite;
use crate::handle::access::sealed::Read as _;
use crate::layout::{Field, FieldVisitor, Layout, SharedValue};
use crate::lock::{Thread, Wait};
use crate::protocol::atomics::{AtomicU64, Ordering};
use crate::segment::{Mapping, Segment};

/// A record, in a block that is none of a value's. Its lock says who uses it.
///
/// It is used again only when it is idle, which its user makes it after all versions that were joined to it are settled. A
/// record whose user died before that stays as it is, for those that are still joined to it, until the arena is opened by a
/// process while no other has it open.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Record {
    /// What `parts::record` lists.
    state: u64,
    /// The trailer of the record that was made before this one.
    next: u64,
}

// SAFETY: the struct is two integers, of which the first is atomic, as the layout says.
unsafe impl SharedValue for Record {
    const FIELDS: &'static [Field] =
        &[Field::atomic::<u64>("state", 0), Field::new::<u64>("next", offset_of!(Self, next))];
    const LAYOUT: &'static Layout = &Layout::structure::<Self>("Record", Self::FIELDS);

    fn fields<V: FieldVisitor>(visitor: &mut V) {
        visitor.field::<u64>(0);
        visitor.field::<u64>(offset_of!(Self, next));
    }
}

/// More records than any number of processes uses at once.
const MAX_RECORDS: usize = 1 << 20;

/// The word in which a record says what is decided.
pub(super) fn state(record: &Cell<Record>) -> &AtomicU64 {
    record.atomic(0)
}

/// All records, the newest first.
pub(super) fn all(segment: &Arc<Segment>, newest: u64) -> impl Iterator<Item = Cell<Record>> {
    let mut at = usize_of(newest);
    iter::from_fn(move || {
        let block = Heap::of(segment).trailer(at).filter(|block| block.state == State::Live && block.kind == 0)?;
        let record = cell_in::<Record>(segment, &block, ())?;
        let offset = offset_of!(Record, next);
        at = usize_of(ReadWrite::field::<Record, u64>(&record, offset).check_in::<Record>(offset).ok()?);
        Some(record)
    })
    .take(MAX_RECORDS)
}

/// Makes all records idle, where no process has the segment open and no version is joined to any. Gives their trailers.
pub(super) fn adopt(mapping: &Mapping, newest: u64) -> HashSet<usize> {
    let (heap, mut found, mut at) = (Heap::of(mapping), HashSet::new(), usize_of(newest));
    while let Some(block) = heap.trailer(at).filter(|block| block.state == State::Live && block.kind == 0)
        && let Some(record) = Cell::<Record>::adopt_within(mapping, block.start, shape(), block.payload_end())
        // A chain that leads back to itself was made by somebody who does not keep to the rules.
        && found.insert(at)
    {
        // Release: who reads a value that was joined to it sees that it is no more.
        record.atomic(0).store(record::IDLE, Ordering::Release);
        let Ok(Record { next, .. }) = record.committed() else { break };
        at = usize_of(next);
    }
    found
}

/// A record that nobody else uses until `leave` is called on it: an idle one, or a new one.
pub(super) fn take(values: &ArenaValues, thread: Thread) -> Result<Cell<Record>, Error> {
    let segment = values.segment();
    loop {
        for record in all(segment, values.newest_record()?) {
            if record.join(thread, Wait::Never).is_err() {
                continue;
            }
            // Acquire: whoever was joined to it is settled, as this thread sees it.
            if state(&record).load(Ordering::Acquire) == record::IDLE {
                return Ok(record);
            }
            record.leave(thread)?;
        }
        make(values)?;
    }
}

/// Adds a record to those of the arena.
fn make(values: &ArenaValues) -> Result<(), Error> {
    let mut editor = values.edit()?;
    let length = block_length(shape().length(), 0).unwrap_or(usize::MAX);
    let block = editor.take(length)?;
    let record: Cell<Record> = values.cell_in(&block, ())?;
    record.initialize(|parts| parts.initialize(&Record { state: record::IDLE, next: editor.directory.records }));
    editor.heap.set_state(&block, State::Live);
    editor.directory.records = block.at as u64;
    editor.commit()?;
    Ok(())
}

fn shape() -> Shape {
    Record::shape(&())
}
