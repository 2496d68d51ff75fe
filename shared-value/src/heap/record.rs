//! `Record`: holds the word that commits several values of a transaction at once.
#![allow(unsafe_code)]

use core::iter;
use core::mem::offset_of;
use std::collections::HashSet;
use std::sync::Arc;

use crate::cell::parts::record;
use crate::cell::{Cell, Place};
use crate::copy;
use crate::format::contents::{Contents, Shape};
use crate::heap::blocks::{Heap, State};
use crate::heap::lookup::cell_in;
use crate::heap::usize_of;
use crate::layout::{Field, FieldVisitor, Layout, SharedValue};
use crate::protocol::atomics::{AtomicU64, Ordering};
use crate::segment::{Mapping, Segment};

/// A record, in a block without a type entry. Only the owner of its lock may use it.
///
/// Its user sets it to idle when all versions that were joined to it are settled; then it can be reused. If its user dies
/// earlier, versions are still joined to the record. So the record keeps its state until a process opens the arena while no
/// other process has it open.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Record {
    /// One of the numbers in `parts::record`.
    pub(crate) state: u64,
    /// The trailer of the record that was made before this one.
    pub(crate) next: u64,
}

// SAFETY: the struct consists of two integers. The layout describes both, and says that the first is atomic.
unsafe impl SharedValue for Record {
    const FIELDS: &'static [Field] =
        &[Field::atomic::<u64>("state", 0), Field::new::<u64>("next", offset_of!(Self, next))];
    const LAYOUT: &'static Layout = &Layout::structure::<Self>("Record", Self::FIELDS);

    fn fields<V: FieldVisitor>(visitor: &mut V) {
        visitor.field::<u64>(0);
        visitor.field::<u64>(offset_of!(Self, next));
    }
}

/// More records than all processes together use at once.
const MAX_RECORDS: usize = 1 << 20;

/// Returns the word that decides.
pub(crate) fn state(record: &Cell<Record>) -> &AtomicU64 {
    record.atomic(0)
}

/// Returns all records, the newest first.
pub(crate) fn all(segment: &Arc<Segment>, newest: u64) -> impl Iterator<Item = Cell<Record>> {
    let mut at = usize_of(newest);
    iter::from_fn(move || {
        let block =
            Heap::of(segment).trailer(at).filter(|block| block.state == State::Present && block.type_entry == 0)?;
        // Records are never freed while a process has the arena open.
        let record = cell_in::<Record>(Place::of(Arc::clone(segment)), &block, ())?;
        let offset = offset_of!(Record, next);
        // One read is enough: only the atomic field of a record ever changes.
        let slots = record.slots();
        let next = slots.copy(slots.look()?, |slot| copy::load::<u64>(slot, offset))?;
        at = usize_of(next.check_in::<Record>(offset).ok()?);
        Some(record)
    })
    .take(MAX_RECORDS)
}

/// Makes all records idle, while no process has the segment open and no version is joined to a record. Returns the offsets
/// of their trailers.
pub(crate) fn adopt(mapping: &Mapping, newest: u64) -> HashSet<usize> {
    let (heap, mut found, mut at) = (Heap::of(mapping), HashSet::new(), usize_of(newest));
    while let Some(block) = heap.trailer(at).filter(|block| block.state == State::Present && block.type_entry == 0)
        && let Some(record) = Cell::<Record>::adopt_within(mapping, block.start, shape(), block.payload_end())
        // Only a hostile process makes a chain with a cycle.
        && found.insert(at)
    {
        // Release: a reader of a value that was joined to the record sees the settled version.
        record.atomic(0).store(record::IDLE, Ordering::Release);
        let Ok(Record { next, .. }) = record.committed() else { break };
        at = usize_of(next);
    }
    found
}

/// Returns the shape of a record's cell.
pub(crate) fn shape() -> Shape {
    Record::shape(&())
}
