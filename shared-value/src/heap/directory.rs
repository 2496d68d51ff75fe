//! `Directory`: where the parts of an arena lie, as a value of its own.
#![allow(unsafe_code)]

use core::mem::offset_of;

use crate::layout::{Field, FieldVisitor, Layout, SharedValue};

/// How many blocks can be loose at once: a value that is being made, a table and a list.
const LOOSE: usize = 3;

/// How many changes the directory itself can hold; if there are more, they lie in a list.
pub(crate) const FEW: usize = 2;

/// The value of the one cell that the header of an arena names. A thread takes the lock of this value to add or remove
/// values.
///
/// Offsets are counted in bytes from the start of the segment, and zero means none. The four atomic fields are not part of
/// a commit; `heap/decision.rs` explains them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Directory {
    /// Where the next block will start.
    pub(crate) cursor: u64,
    /// The number of bytes for blocks.
    pub(crate) capacity: u64,
    /// The end of the memory that is allocated.
    pub(crate) allocated: u64,
    /// The table of keys: where it starts, and in the lowest six bits the logarithm of its length.
    pub(crate) table: u64,
    /// The number of buckets that are not empty, including those of removed blocks.
    pub(crate) taken: u64,
    /// The newest type entry.
    pub(crate) types: u64,
    /// The newest record of transactions.
    pub(crate) records: u64,
    /// The number of values, not counting the blocks in `changes` or in the list.
    pub(crate) values: u64,
    /// The blocks that were changed last, if they are few: words of a `Change`.
    pub(crate) changes: [u64; FEW],
    /// The list of changes, for a transaction that makes many: where it starts, and in the lowest six bits the logarithm of
    /// its length.
    pub(crate) list: u64,
    /// The number of changes in the list that were made last; zero if they are few.
    pub(crate) listed: u64,
    /// The trailers of blocks that nothing else refers to, or not yet: their maker may die. The next owner of the lock frees
    /// those that are not present by then.
    pub(crate) loose: [u64; LOOSE],
    /// The number of the last batch of stores in the journal.
    pub(crate) journal: u64,
    /// Atomic: the offset of the word that decides about the changes; zero while no changes are pending.
    pub(crate) decided_by: u64,
    /// Atomic: the deciding word of changes that have no record.
    pub(crate) decision: u64,
    /// Atomic: counts changes.
    pub(crate) turn: u64,
    /// Atomic: the number of the last batch of stores that was made.
    pub(crate) applied: u64,
}

impl Directory {
    pub(crate) const EMPTY: Self = Self {
        cursor: 0,
        capacity: 0,
        allocated: 0,
        table: 0,
        taken: 0,
        types: 0,
        records: 0,
        values: 0,
        changes: [0; FEW],
        list: 0,
        listed: 0,
        loose: [0; LOOSE],
        journal: 0,
        decided_by: 0,
        decision: 0,
        turn: 0,
        applied: 0,
    };
}

// SAFETY: the struct consists of integers, without padding. The layout describes all of them, and says which four are
// atomic.
unsafe impl SharedValue for Directory {
    const FIELDS: &'static [Field] = &[
        Field::new::<u64>("cursor", offset_of!(Self, cursor)),
        Field::new::<u64>("capacity", offset_of!(Self, capacity)),
        Field::new::<u64>("allocated", offset_of!(Self, allocated)),
        Field::new::<u64>("table", offset_of!(Self, table)),
        Field::new::<u64>("taken", offset_of!(Self, taken)),
        Field::new::<u64>("types", offset_of!(Self, types)),
        Field::new::<u64>("records", offset_of!(Self, records)),
        Field::new::<u64>("values", offset_of!(Self, values)),
        Field::new::<[u64; FEW]>("changes", offset_of!(Self, changes)),
        Field::new::<u64>("list", offset_of!(Self, list)),
        Field::new::<u64>("listed", offset_of!(Self, listed)),
        Field::new::<[u64; LOOSE]>("loose", offset_of!(Self, loose)),
        Field::new::<u64>("journal", offset_of!(Self, journal)),
        Field::atomic::<u64>("decided_by", offset_of!(Self, decided_by)),
        Field::atomic::<u64>("decision", offset_of!(Self, decision)),
        Field::atomic::<u64>("turn", offset_of!(Self, turn)),
        Field::atomic::<u64>("applied", offset_of!(Self, applied)),
    ];
    const LAYOUT: &'static Layout = &Layout::structure::<Self>("Arena", Self::FIELDS);

    fn fields<V: FieldVisitor>(visitor: &mut V) {
        for field in Self::FIELDS {
            for number in 0..field.layout().size() / size_of::<u64>() {
                visitor.field::<u64>(field.offset() + number * size_of::<u64>());
            }
        }
    }
}
