//! The header of a segment.

use std::fmt;
use std::mem::offset_of;
use std::num::ParseIntError;
use std::str::FromStr;

use bytemuck::{Pod, Zeroable};

use crate::error::hexadecimal;
use crate::format::cell_entry::ONE_SLOT;
use crate::format::unvalidated::UnvalidatedHeader;
use crate::format::{CELL_ALIGN, CellEntry, Invalid, MAX_SEGMENT, RequiredLock, require};

const MAGIC: [u8; 8] = *b"\x89SHVAL\r\n";
const FORMAT_VERSION: u32 = 2;
/// What an error calls the version of the format.
pub(crate) const FORMAT: &str = "format version";
const BYTE_ORDER: u32 = 0x0102_0304;
const WORD_SIZE: u32 = usize::BITS / 8;

/// The maximum number of bytes before the first cell: header, table and schemas.
pub(crate) const MAX_PREFIX: u64 = 1 << 24;

/// The first 128 bytes of a segment.
///
/// ```text
///   0  magic         89 53 48 56 41 4C 0D 0A: not text, and damaged by programs that convert line ends
///   8  byte order    01020304, as the creator's machine stores it
///  12  format        version of everything after this field
///  16  word size     bytes of a pointer
///  20  lock kind     0: none, 1: native, 2: pthread mutex, 3: a lock object, 4: the segment is a lock object
///  24  lock ABI      for a pthread mutex: its bytes, and its C library; otherwise: bytes from the lock word to the node in
///                    the robust list
///  28  cells         number of entries in the table
///  32  length        bytes of the segment
///  40  table offset  where the entries start
///  48  mutex offset  where the pthread mutex lies; zero without one
///  56  lock identity of the lock object that guards the values; zero without one
///  64  identity      128 random bits, which no other segment has
///  80  flags         bit 0: the value's own lock is not recursive. Another bit means something that this program does not
///                    know
///  88  unvouched     a word that changes: see `segment/mapping.rs`
///  96  retired       a word that changes: see `protocol/retired.rs`
/// 104  (spare)
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
    identity: SegmentId,
    flags: u64,
    unvouched: u64,
    retired: u64,
    spare: [u64; 3],
}

const _: () = assert!(size_of::<RawHeader>() == 128 && offset_of!(RawHeader, identity) == 64);

/// The identity of a segment: 128 random bits, equal for all openings of the segment, and for copies of its file.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub(crate) struct SegmentId([u64; 2]);

impl SegmentId {
    /// Returns a new identity, made of these random bits.
    pub(crate) fn new(bits: u128) -> Self {
        Self(bytemuck::cast(bits))
    }

    /// Returns the random bits.
    pub(crate) fn to_bits(self) -> u128 {
        bytemuck::cast(self.0)
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.to_bits())
    }
}

impl FromStr for SegmentId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        u128::from_str_radix(text, 16).map(Self::new)
    }
}

/// The flag of a segment whose value has a lock of its own that a thread cannot take again.
const NON_RECURSIVE: u64 = 1;

/// The offset of the word that says whether a process uses the locks of the segment without being vouched for.
pub(crate) const UNVOUCHED: usize = offset_of!(RawHeader, unvouched);

/// The offset of the word that says whether the name leads to another segment by now.
pub(crate) const RETIRED: usize = offset_of!(RawHeader, retired);

pub(crate) const HEADER_SIZE: u64 = size_of::<RawHeader>() as u64;

impl RawHeader {
    pub(super) fn new(length: u64, cells: u32, lock: RequiredLock, mutex_offset: u64, identity: SegmentId) -> Self {
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
            identity,
            flags: 0,
            unvouched: 0,
            retired: 0,
            spare: [0; 3],
        }
    }

    /// Returns this header, of a segment whose value has a lock of its own that a thread cannot take again.
    pub(super) fn non_recursive(self) -> Self {
        Self { flags: self.flags | NON_RECURSIVE, ..self }
    }
}

/// The contents of a header that was found to be consistent.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) identity: SegmentId,
    pub(crate) lock: RequiredLock,
    /// Whether a thread may take the value's own lock again.
    pub(crate) is_recursive: bool,
    pub(crate) entries: Vec<CellEntry>,
}

/// The part of a header that is the same in all formats.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Preamble {
    magic: [u8; 8],
    byte_order: u32,
    format: u32,
}

/// Returns the error for a segment of another format.
fn other_format(found: u32) -> Invalid {
    let made_by = if found < FORMAT_VERSION { "an earlier" } else { "a later" };
    let found = format!(
        "{found}, made by {made_by} version of this library: open it with that version, or remove it by `unlink` and \
         create it again"
    );
    Invalid::new(FORMAT, FORMAT_VERSION, found)
}

impl UnvalidatedHeader {
    /// Returns the number of bytes before the first cell, or any number if the header is invalid.
    pub(crate) fn prefix_length(&self) -> u64 {
        CellEntry::cell_offset(self, HEADER_SIZE).unwrap_or_default()
    }

    /// Returns the version of the format, if this may be a segment of any format that this machine can have made.
    pub(crate) fn format(&self) -> Option<u32> {
        self.preamble().ok().map(|preamble| preamble.format)
    }

    /// Returns the identity of the segment, and checks nothing that is not needed to find it.
    pub(crate) fn identity(&self) -> Result<SegmentId, Invalid> {
        self.raw().map(|raw| raw.identity)
    }

    /// Returns a word of the header.
    pub(crate) fn word(&self, offset: usize) -> Option<u64> {
        self.read("header", offset as u64).ok()
    }

    /// Reads a header of this format. In another format, the header may be shorter, and its bytes would be misread.
    fn raw(&self) -> Result<RawHeader, Invalid> {
        let Preamble { format, .. } = self.preamble()?;
        if format != FORMAT_VERSION {
            return Err(other_format(format));
        }
        self.start()
    }

    /// Reads the part that is the same in all formats.
    fn preamble(&self) -> Result<Preamble, Invalid> {
        let preamble: Preamble = self.start()?;
        let Preamble { magic, byte_order, .. } = preamble;
        if magic != MAGIC {
            return Err(Invalid::new("magic", hexadecimal(&MAGIC), hexadecimal(&magic)));
        }
        if byte_order != BYTE_ORDER {
            let swapped = byte_order == BYTE_ORDER.swap_bytes();
            let found = if swapped { "the opposite one".to_owned() } else { format!("{byte_order:#010x}") };
            return Err(Invalid::new("byte order", "this machine's", found));
        }
        Ok(preamble)
    }

    /// Reads what the file starts with.
    fn start<R: Pod>(&self) -> Result<R, Invalid> {
        self.read("header", 0).map_err(|_| {
            let found = format!("{} bytes", self.prefix.len());
            Invalid::new("header", format!("at least {HEADER_SIZE} bytes"), found)
        })
    }

    /// Checks everything that the rest of this crate relies on.
    pub(crate) fn validate(&self) -> Result<Header, Invalid> {
        let raw = self.raw()?;
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
        // A lock object never changes, and without a lock there is one slot in use anyhow. No program makes these.
        if !lock.is_own() && entries.iter().any(CellEntry::is_one_slot) {
            return Err(Invalid::new("cell flags", "0, because the value has no lock of its own", ONE_SLOT));
        }
        let known = if lock.is_own() { NON_RECURSIVE } else { 0 };
        if raw.flags & !known != 0 {
            let expected = if known == 0 { "0" } else { "0 or 1" };
            return Err(Invalid::new("flags", expected, format!("{:#x}", raw.flags)));
        }
        let is_recursive = raw.flags & NON_RECURSIVE == 0;
        Ok(Header { identity: raw.identity, lock, is_recursive, entries })
    }
}
