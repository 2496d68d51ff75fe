//! `SegmentFile`: the bytes of a segment's file, for tests that read or damage them.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Offsets of the fields of a segment's first entry, which follows the header of 128 bytes.
const CELL_OFFSET: u64 = 128;
const FINGERPRINT: u64 = 128 + 16;
const SCHEMA_OFFSET: u64 = 128 + 24;
const SCHEMA_LENGTH: u64 = 128 + 32;

/// Offsets in a cell: the number of commits, and the first slot.
const VERSION: u64 = 40;
const SLOTS: u64 = 64;

/// The file of a segment.
#[derive(Debug)]
pub struct SegmentFile {
    file: File,
}

/// The cell of a value of a known size, as bytes of the segment's file.
#[derive(Debug)]
pub struct CellFile<'a> {
    segment: &'a SegmentFile,
    offset: u64,
    size: u64,
}

impl SegmentFile {
    /// Opens the file of a segment.
    ///
    /// # Panics
    /// If it cannot be opened.
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> Self {
        let file = OpenOptions::new().read(true).write(true).open(path).expect("the segment has a file");
        Self { file }
    }

    /// Returns the schema, the text that describes the value in the segment.
    ///
    /// # Panics
    /// If the schema is not UTF-8.
    pub fn schema(&self) -> String {
        let length = usize::try_from(self.word(SCHEMA_LENGTH)).expect("it fits into memory");
        String::from_utf8(self.bytes(self.word(SCHEMA_OFFSET), length)).expect("a schema is UTF-8")
    }

    /// Returns the hash of the schema that the segment records.
    pub fn fingerprint(&self) -> u64 {
        self.word(FINGERPRINT)
    }

    /// Returns where the first cell starts.
    pub fn cell_offset(&self) -> u64 {
        self.word(CELL_OFFSET)
    }

    /// Returns the first cell, which holds a value of `size` bytes.
    pub fn cell(&self, size: usize) -> CellFile<'_> {
        CellFile { segment: self, offset: self.cell_offset(), size: size as u64 }
    }

    /// Reads bytes of the file.
    ///
    /// # Panics
    /// If the file is shorter.
    #[track_caller]
    pub fn bytes(&self, offset: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset).expect("the file has these bytes");
        bytes
    }

    /// Overwrites bytes of the file.
    ///
    /// # Panics
    /// If the file cannot be written.
    #[track_caller]
    pub fn overwrite(&self, offset: u64, bytes: &[u8]) {
        self.file.write_all_at(bytes, offset).expect("the file can be written");
    }

    fn word(&self, offset: u64) -> u64 {
        let bytes = self.bytes(offset, 8);
        u64::from_ne_bytes(bytes.try_into().expect("eight bytes"))
    }
}

impl CellFile<'_> {
    /// Returns the number of commits.
    pub fn version(&self) -> u64 {
        self.segment.word(self.offset + VERSION)
    }

    /// Reads both slots: first the slot of even versions.
    ///
    /// # Panics
    /// If the file is shorter.
    pub fn slots(&self) -> [Vec<u8>; 2] {
        let size = usize::try_from(self.size).expect("it fits into memory");
        [0, 1].map(|slot| self.segment.bytes(self.slot(slot), size))
    }

    /// Overwrites bytes of the committed value.
    pub fn overwrite(&self, offset: usize, bytes: &[u8]) {
        self.segment.overwrite(self.slot(self.version() & 1) + offset as u64, bytes);
    }

    /// Returns the offset of a slot. Two small slots share a line of 64 bytes; each larger slot starts at a line of its own.
    fn slot(&self, number: u64) -> u64 {
        let length = self.size.next_multiple_of(8);
        let stride = if length * 2 <= 64 { length } else { length.next_multiple_of(64) };
        self.offset + SLOTS + number * stride
    }
}
