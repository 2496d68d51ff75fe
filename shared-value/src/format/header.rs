//! The header of a segment.

use bytemuck::{Pod, Zeroable};

use crate::error::hexadecimal;
use crate::format::{CELL_ALIGN, CellEntry, Invalid, MAX_SEGMENT, RequiredLock, require};

const MAGIC: [u8; 8] = *b"\x89SHVAL\r\n";
const FORMAT_VERSION: u32 = 1;
const BYTE_ORDER: u32 = 0x0102_0304;
const WORD_SIZE: u32 = usize::BITS / 8;

/// The maximum number of bytes before the first cell: header, table and schemas.
pub(crate) const MAX_PREFIX: u64 = 1 << 24;

/// The first 64 bytes of a segment.
///
/// ```text
///  0  magic         89 53 48 56 41 4C 0D 0A: not text, and damaged by programs that convert line ends
///  8  byte order    01020304, as the creator's machine stores it
/// 12  format        version of everything after this field
/// 16  word size     bytes of a pointer
/// 20  lock kind     0: none, 1: native, 2: pthread mutex, 3: a lock object, 4: the segment is a lock object
/// 24  lock ABI      for a pthread mutex: its bytes, and its C library; otherwise: bytes from the lock word to the node in
///                   the robust list
/// 28  cells         number of entries in the table
/// 32  length        bytes of the segment
/// 40  table offset  where the entries start
/// 48  mutex offset  where the pthread mutex lies; zero without one
/// 56  lock identity of the lock object that guards the values; zero without one
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub(super) struct RawHeader {
    magic: [u8; 8],
    byte_order: u32,
    format: u32,
    word_size: u32,
    lock_kind: u32,
    lock_abi: u32,
    cells: u32,
    length: u64,
    table_offset: u64,
    mutex_offset: u64,
    lock_identity: u64,
}

pub(super) const HEADER_SIZE: u64 = size_of::<RawHeader>() as u64;

impl RawHeader {
    pub(super) fn new(length: u64, cells: u32, lock: RequiredLock, mutex_offset: u64) -> Self {
        Self {
            magic: MAGIC,
            byte_order: BYTE_ORDER,
            format: FORMAT_VERSION,
            word_size: WORD_SIZE,
            lock_kind: lock.number(),
            lock_abi: lock.abi(),
            cells,
            length,
            table_offset: HEADER_SIZE,
            mutex_offset,
            lock_identity: lock.identity(),
        }
    }
}

/// A copy of the start of a file that may be a segment. It has not been checked.
#[derive(Debug)]
pub(crate) struct UnvalidatedHeader {
    /// At most `MAX_PREFIX` bytes.
    pub(crate) prefix: Vec<u8>,
    /// The number of bytes of the whole file.
    pub(crate) file_length: u64,
}

/// The contents of a header that was found to be consistent.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) lock: RequiredLock,
    pub(crate) entries: Vec<CellEntry>,
}

impl UnvalidatedHeader {
    /// Returns the number of bytes before the first cell, or any number if the header is invalid.
    pub(crate) fn prefix_length(&self) -> u64 {
        CellEntry::cell_offset(self, HEADER_SIZE).unwrap_or_default()
    }

    /// Checks everything that the rest of this crate relies on.
    pub(crate) fn validate(&self) -> Result<Header, Invalid> {
        if (self.prefix.len() as u64) < HEADER_SIZE {
            let found = format!("{} bytes", self.prefix.len());
            return Err(Invalid::new("header", format!("at least {HEADER_SIZE} bytes"), found));
        }
        let raw: RawHeader = self.read("header", 0)?;
        // If one of these five differed, the bytes after it would be misread.
        if raw.magic != MAGIC {
            return Err(Invalid::new("magic", hexadecimal(&MAGIC), hexadecimal(&raw.magic)));
        }
        if raw.byte_order != BYTE_ORDER {
            let swapped = raw.byte_order == BYTE_ORDER.swap_bytes();
            let found = if swapped { "the opposite one".to_owned() } else { format!("{:#010x}", raw.byte_order) };
            return Err(Invalid::new("byte order", "this machine's", found));
        }
        require("format version", FORMAT_VERSION, raw.format)?;
        require("word size", WORD_SIZE, raw.word_size)?;
        let lock = RequiredLock::from_number(raw.lock_kind, raw.lock_identity)
            .ok_or_else(|| Invalid::new("lock kind", "0 to 4", raw.lock_kind))?;
        require("lock ABI", format!("{:#x}", lock.abi()), format!("{:#x}", raw.lock_abi))?;
        // In a shorter file, an access to the missing pages would raise SIGBUS.
        require("length", raw.length, self.file_length)?;
        if raw.length > MAX_SEGMENT {
            return Err(Invalid::new("length", format!("at most {MAX_SEGMENT}"), raw.length));
        }
        require("table offset", HEADER_SIZE, raw.table_offset)?;
        require("number of cells", 1, raw.cells)?;
        let entries = (0..u64::from(raw.cells))
            .map(|number| CellEntry::read(self, raw.table_offset + number * CellEntry::SIZE))
            .collect::<Result<Vec<_>, _>>()?;
        if lock == RequiredLock::Pthread {
            // At another offset, the mutex would overlap the cell, or lie after the end.
            let offset = entries[0].mutex_offset() as u64;
            require("mutex offset", offset, raw.mutex_offset)?;
            require("length", offset + CELL_ALIGN as u64, raw.length)?;
        } else {
            require("mutex offset", 0, raw.mutex_offset)?;
        }
        require("lock identity", lock.identity(), raw.lock_identity)?;
        Ok(Header { lock, entries })
    }

    pub(super) fn read<R: Pod>(&self, field: &'static str, offset: u64) -> Result<R, Invalid> {
        let size = size_of::<R>();
        let bytes = self.bytes(field, offset, size as u64)?;
        Ok(bytemuck::pod_read_unaligned(bytes))
    }

    /// Returns bytes of the prefix.
    ///
    /// # Errors
    /// If they do not lie in the prefix.
    pub(super) fn bytes(&self, field: &'static str, offset: u64, size: u64) -> Result<&[u8], Invalid> {
        let end = offset.checked_add(size);
        let range = usize::try_from(offset).ok().zip(end.and_then(|end| usize::try_from(end).ok()));
        range.and_then(|(start, end)| self.prefix.get(start..end)).ok_or_else(|| {
            let found = format!("{size} bytes at {offset}");
            Invalid::new(field, format!("all of it in the first {} bytes", self.prefix.len()), found)
        })
    }
}
