//! `Plan`: the bytes of a segment that is to be created.

use crate::format::entry::RawEntry;
use crate::format::header::{HEADER_SIZE, RawHeader};
use crate::format::{CELL_ALIGN, Description, Entry, RequiredLock};

/// A segment to be: its length and its first bytes. What follows the prefix is zeros.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) prefix: Vec<u8>,
    pub(crate) length: u64,
    /// How many bytes of it take memory from the start.
    pub(crate) allocated: u64,
}

impl Plan {
    /// A segment for one value, and so many bytes of address space behind it.
    pub(crate) fn of(description: &Description, lock: RequiredLock, reserve: u64) -> Self {
        let Description { schema, fingerprint, shape } = description;
        let schema_offset = HEADER_SIZE + Entry::SIZE;
        let cell_offset = (schema_offset + schema.len() as u64).next_multiple_of(CELL_ALIGN as u64);
        let cell_length = shape.length() as u64;
        let cell_end = cell_offset + cell_length;
        let (mutex_offset, allocated) = if lock == RequiredLock::Pthread {
            let offset = cell_end.next_multiple_of(CELL_ALIGN as u64);
            (offset, offset + CELL_ALIGN as u64)
        } else {
            (0, cell_end)
        };
        // What lies behind starts at a line; where so much cannot be, no file gets so long.
        let start = if reserve == 0 { allocated } else { allocated.next_multiple_of(CELL_ALIGN as u64) };
        let length = start.saturating_add(reserve);
        let entry = RawEntry {
            cell_offset,
            cell_length,
            fingerprint: *fingerprint,
            schema_offset,
            schema_length: schema.len() as u64,
            size: shape.size as u64,
            zero: [0; 2],
        };
        let mut prefix = bytemuck::bytes_of(&RawHeader::new(length, 1, lock, mutex_offset)).to_vec();
        prefix.extend_from_slice(bytemuck::bytes_of(&entry));
        prefix.extend_from_slice(schema.as_bytes());
        Self { prefix, length, allocated }
    }
}
