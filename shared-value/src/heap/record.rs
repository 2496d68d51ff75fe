//! `Record`: the word by which a transaction commits several values at once.
#![allow(unsafe_code)]

use core::iter;
use core::mem::offset_of;
use std::collections::HashSet;
use std::sync::Arc;

use crate::cell::Cell;
use crate::cell::parts::record;
use crate::copy;
use crate::format::contents::{Contents, Shape};
use crate::heap::blocks::{Heap, State};
use crate::heap::lookup::cell_in;
use crate::heap::usize_of;
use crate::layout::{Field, FieldVisitor, Layout, SharedValue};
use crate::protocol::atomics::{AtomicU64, Ordering};
use crate::segment::{Mapping, Segment};

/// A record, in a block that is none of a value's. Its lock says who uses it.
///
/// It is used again only when it is idle, which its user makes it after all versions that were joined to it are settled. A
/// record whose user died before that stays as it is, for those that are still joined to it, until the arena is opened by a
/// process while no other has it open.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Record {
    /// What `parts::record` lists.
    pub(crate) state: u64,
    /// The trailer of the record that was made before this one.
    pub(crate) next: u64,
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
pub(crate) fn state(record: &Cell<Record>) -> &AtomicU64 {
    record.atomic(0)
}

/// All records, the newest first.
pub(crate) fn all(segment: &Arc<Segment>, newest: u64) -> impl Iterator<Item = Cell<Record>> {
    let mut at = usize_of(newest);
    iter::from_fn(move || {
        let block =
            Heap::of(segment).trailer(at).filter(|block| block.state == State::Live && block.type_entry == 0)?;
        let record = cell_in::<Record>(segment, &block, ())?;
        let offset = offset_of!(Record, next);
        // One look is enough: nothing changes a record but its atomic field.
        let slots = record.slots();
        let next = slots.copy(slots.look()?, |slot| copy::load::<u64>(slot, offset))?;
        at = usize_of(next.check_in::<Record>(offset).ok()?);
        Some(record)
    })
    .take(MAX_RECORDS)
}

/// Makes all records idle, where no process has the segment open and no version is joined to any. Gives their trailers.
pub(crate) fn adopt(mapping: &Mapping, newest: u64) -> HashSet<usize> {
    let (heap, mut found, mut at) = (Heap::of(mapping), HashSet::new(), usize_of(newest));
    while let Some(block) = heap.trailer(at).filter(|block| block.state == State::Live && block.type_entry == 0)
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

/// The shape of a record's cell.
pub(crate) fn shape() -> Shape {
    Record::shape(&())
}
