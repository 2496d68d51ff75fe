//! `Directory`: what an arena knows about itself, as a value of its own.
#![allow(unsafe_code)]

use core::mem::offset_of;

use crate::format::CELL_ALIGN;
use crate::layout::{Field, FieldVisitor, Layout, SharedValue};

/// Lengths of blocks for which there is a list of free ones each, in units of 64 bytes; the last one is for all others.
pub(crate) const CLASSES: usize = 16;

/// The value of the one cell that the header of an arena knows; its lock is that of everything that adds or removes.
///
/// All are offsets in the segment, in bytes, and zero means none.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Directory {
    /// Where the next block will start.
    pub(crate) cursor: u64,
    /// Where the newest block starts, which ends at the cursor.
    pub(crate) newest: u64,
    /// Up to where memory was taken.
    pub(crate) allocated: u64,
    /// The table of keys: where it starts, and in the lowest six bits the logarithm of its length.
    pub(crate) table: u64,
    /// How many places of the table are taken, also those by what was removed.
    pub(crate) taken: u64,
    /// The newest type entry.
    pub(crate) types: u64,
    /// The newest record of transactions.
    pub(crate) records: u64,
    /// The first free block of each length.
    pub(crate) free: [u64; CLASSES],
}

impl Directory {
    pub(crate) const EMPTY: Self =
        Self { cursor: 0, newest: 0, allocated: 0, table: 0, taken: 0, types: 0, records: 0, free: [0; CLASSES] };
}

// SAFETY: the struct is so many integers without padding, which the layout describes.
unsafe impl SharedValue for Directory {
    const FIELDS: &'static [Field] = &[
        Field::new::<u64>("cursor", offset_of!(Self, cursor)),
        Field::new::<u64>("newest", offset_of!(Self, newest)),
        Field::new::<u64>("allocated", offset_of!(Self, allocated)),
        Field::new::<u64>("table", offset_of!(Self, table)),
        Field::new::<u64>("taken", offset_of!(Self, taken)),
        Field::new::<u64>("types", offset_of!(Self, types)),
        Field::new::<u64>("records", offset_of!(Self, records)),
        Field::new::<[u64; CLASSES]>("free", offset_of!(Self, free)),
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

/// The list of free blocks of a length.
pub(crate) fn class_of(length: usize) -> usize {
    (length / CELL_ALIGN).clamp(1, CLASSES) - 1
}
