//! The entry of a cell in the table of a segment.

use bytemuck::{Pod, Zeroable};

use crate::error::Error;
use crate::format::cell::contents::Shape;
use crate::format::unvalidated::UnvalidatedHeader;
use crate::format::{CELL_ALIGN, Description, Difference, Invalid, other_slots, require};
use crate::layout::text_fingerprint;

/// An entry as the segment stores it.
///
/// ```text
///  0  cell offset    a multiple of 64
///  8  cell length    bytes of the cell: control line, both slots, marks, atomic fields
/// 16  fingerprint    hash of the schema
/// 24  schema offset
/// 32  schema length
/// 40  size           bytes of the value
/// 48  flags          bit 0: the value has one slot; any other set bit means something that this program does not know
/// 56  (spare)
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub(super) struct RawEntry {
    pub(super) cell_offset: u64,
    pub(super) cell_length: u64,
    pub(super) fingerprint: u64,
    pub(super) schema_offset: u64,
    pub(super) schema_length: u64,
    pub(super) size: u64,
    pub(super) flags: u64,
    pub(super) spare: u64,
}

/// A validated entry: where a cell of a segment lies, and what it holds.
#[derive(Clone, Debug)]
pub(crate) struct CellEntry {
    pub(crate) cell_offset: usize,
    pub(crate) cell_length: usize,
    size: usize,
    fingerprint: u64,
    schema: String,
    is_one_slot: bool,
}

/// The flag of a value that has one slot.
pub(super) const ONE_SLOT: u64 = 1;

impl CellEntry {
    pub(super) const SIZE: u64 = size_of::<RawEntry>() as u64;

    /// Returns the unchecked cell offset of the entry at an offset.
    pub(super) fn cell_offset(header: &UnvalidatedHeader, offset: u64) -> Result<u64, Invalid> {
        header.read::<RawEntry>("table", offset).map(|raw| raw.cell_offset)
    }

    pub(super) fn read(header: &UnvalidatedHeader, offset: u64) -> Result<Self, Invalid> {
        let raw: RawEntry = header.read("table", offset)?;
        // At other addresses, cells would share cache lines, and words of a slot would not be aligned.
        require("cell offset modulo 64", 0, raw.cell_offset % CELL_ALIGN as u64)?;
        // If a cell ended after the mapping, accesses would be out of bounds; a cell in the header would overwrite the
        // header.
        let end = raw.cell_offset.checked_add(raw.cell_length).filter(|end| *end <= header.file_length);
        if end.is_none() {
            let found = format!("{} bytes at {}", raw.cell_length, raw.cell_offset);
            return Err(Invalid::new("cell", format!("inside of {} bytes", header.file_length), found));
        }
        // A shorter cell would have no room for its lock.
        if raw.cell_length < CELL_ALIGN as u64 {
            return Err(Invalid::new("cell length", format!("at least {CELL_ALIGN}"), raw.cell_length));
        }
        // If a value were longer than its cell, the computed offsets of the parts could overflow.
        if raw.size > raw.cell_length {
            return Err(Invalid::new("size", format!("at most {}", raw.cell_length), raw.size));
        }
        let schema = header.bytes("schema", raw.schema_offset, raw.schema_length)?;
        let schema = str::from_utf8(schema).map_err(|error| Invalid::new("schema", "UTF-8", error))?;
        let prefix_end = (raw.schema_offset + raw.schema_length).max(offset + Self::SIZE);
        if prefix_end > raw.cell_offset {
            return Err(Invalid::new("cell offset", format!("at least {prefix_end}"), raw.cell_offset));
        }
        if raw.flags & !ONE_SLOT != 0 {
            return Err(Invalid::new("cell flags", "0 or 1", format!("{:#x}", raw.flags)));
        }
        let usize_of = |number: u64| {
            usize::try_from(number).map_err(|_| Invalid::new("cell", "a number that fits into memory", number))
        };
        Ok(Self {
            cell_offset: usize_of(raw.cell_offset)?,
            cell_length: usize_of(raw.cell_length)?,
            size: usize_of(raw.size)?,
            fingerprint: raw.fingerprint,
            schema: schema.to_owned(),
            is_one_slot: raw.flags & ONE_SLOT != 0,
        })
    }

    /// Returns the schema of the value.
    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    /// Returns the offset of the cell's pthread mutex, if one guards the cell. It has a cache line of its own.
    pub(crate) fn mutex_offset(&self) -> usize {
        (self.cell_offset + self.cell_length).next_multiple_of(CELL_ALIGN)
    }

    /// Returns the number of bytes of the value.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Returns whether the value has one slot.
    pub(crate) fn is_one_slot(&self) -> bool {
        self.is_one_slot
    }

    /// Checks that the value has one slot, or two.
    pub(crate) fn expect_slots(&self, name: &str, is_one_slot: bool) -> Result<(), Error> {
        if self.is_one_slot == is_one_slot { Ok(()) } else { Err(other_slots(self.is_one_slot).of(name)) }
    }

    /// Checks that the cell matches its own schema. `shape` was computed from that schema.
    pub(crate) fn expect_shape(&self, name: &str, shape: Shape) -> Result<(), Error> {
        let length = shape.checked_length().map_or_else(|| "more than memory can hold".to_owned(), |it| it.to_string());
        require("fingerprint", text_fingerprint(&self.schema), self.fingerprint)
            .and_then(|()| require("size", shape.size, self.size))
            // In a cell of another length, the parts of the value lie at other offsets.
            .and_then(|()| require("cell length", length, self.cell_length.to_string()))
            .map_err(|invalid| invalid.of(name))
    }

    /// Checks that the cell matches the description. The error names the first field that differs.
    pub(crate) fn expect(&self, name: &str, description: &Description) -> Result<(), Error> {
        let Description { schema, fingerprint, shape } = description;
        // The schema decides. The fingerprint is its hash, and must agree.
        if *schema != self.schema {
            if let Some(difference) = Difference::between(schema, &self.schema) {
                return Err(difference.of(name));
            }
            // The lines are equal, but not their ends.
            let expected = "a line feed at the end of every line";
            return Err(Invalid::new("schema", expected, "another end of a line").of(name));
        }
        require("fingerprint", *fingerprint, self.fingerprint)
            .and_then(|()| require("size", shape.size, self.size))
            .and_then(|()| require("cell length", shape.length(), self.cell_length))
            .map_err(|invalid| invalid.of(name))
    }
}
