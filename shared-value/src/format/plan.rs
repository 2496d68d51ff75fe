//! `Plan`: the bytes of a new segment.

use crate::format::cell_entry::{ONE_SLOT, RawEntry};
use crate::format::header::{HEADER_SIZE, RawHeader, SegmentId};
use crate::format::{CELL_ALIGN, CellEntry, Description, RequiredLock};

/// The length and the first bytes of a new segment. The bytes after the prefix are zeros.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) prefix: Vec<u8>,
    pub(crate) length: u64,
    /// The number of bytes at the start of the segment whose memory is reserved at once.
    pub(crate) allocated: u64,
}

impl Plan {
    /// Plans a segment for one value, with `reserve` bytes of address space after it. `is_recursive` is about the value's own
    /// lock.
    pub(crate) fn of(
        description: &Description,
        lock: RequiredLock,
        is_recursive: bool,
        reserve: u64,
        identity: SegmentId,
    ) -> Self {
        let Description { schema, fingerprint, shape } = description;
        let schema_offset = HEADER_SIZE + CellEntry::SIZE;
        let cell_offset = (schema_offset + schema.len() as u64).next_multiple_of(CELL_ALIGN as u64);
        let cell_length = shape.length() as u64;
        let cell_end = cell_offset + cell_length;
        let (mutex_offset, allocated) = if lock == RequiredLock::Pthread {
            let offset = cell_end.next_multiple_of(CELL_ALIGN as u64);
            (offset, offset + CELL_ALIGN as u64)
        } else {
            (0, cell_end)
        };
        // The reserve starts at a cache line. If the length saturates, creating the file fails.
        let start = if reserve == 0 { allocated } else { allocated.next_multiple_of(CELL_ALIGN as u64) };
        let length = start.saturating_add(reserve);
        let entry = RawEntry {
            cell_offset,
            cell_length,
            fingerprint: *fingerprint,
            schema_offset,
            schema_length: schema.len() as u64,
            size: shape.size as u64,
            flags: if shape.is_one_slot() { ONE_SLOT } else { 0 },
            spare: 0,
        };
        let header = RawHeader::new(length, 1, lock, mutex_offset, identity);
        let header = if is_recursive { header } else { header.non_recursive() };
        let mut prefix = bytemuck::bytes_of(&header).to_vec();
        prefix.extend_from_slice(bytemuck::bytes_of(&entry));
        prefix.extend_from_slice(schema.as_bytes());
        Self { prefix, length, allocated }
    }
}
