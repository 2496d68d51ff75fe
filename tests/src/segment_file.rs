//! `SegmentFile`: a segment as the bytes of its file, for tests that look at them or damage them.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// From the start of a segment to its first entry's fields: a header of 64 bytes, then the entry.
const CELL_OFFSET: u64 = 64;
const FINGERPRINT: u64 = 64 + 16;
const SCHEMA_OFFSET: u64 = 64 + 24;
const SCHEMA_LENGTH: u64 = 64 + 32;

/// From the start of a cell to the number of commits, and to the first slot.
const VERSION: u64 = 40;
const SLOTS: u64 = 64;

/// The file of a segment.
#[derive(Debug)]
pub struct SegmentFile {
    file: File,
}

/// Where a cell for a value of some size lies in its file.
#[derive(Debug)]
pub struct CellFile<'a> {
    segment: &'a SegmentFile,
    offset: u64,
    size: u64,
}

impl SegmentFile {
    /// The segment in a file.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> Self {
        let file = OpenOptions::new().read(true).write(true).open(path).expect("the segment has a file");
        Self { file }
    }

    /// The text that says what the segment holds.
    ///
    /// # Panics
    /// If it is not a text.
    pub fn schema(&self) -> String {
        let length = usize::try_from(self.word(SCHEMA_LENGTH)).expect("it fits into memory");
        String::from_utf8(self.bytes(self.word(SCHEMA_OFFSET), length)).expect("a schema is UTF-8")
    }

    /// The hash of that text, as the segment says it.
    pub fn fingerprint(&self) -> u64 {
        self.word(FINGERPRINT)
    }

    /// The cell, which holds a value of so many bytes.
    pub fn cell(&self, size: usize) -> CellFile<'_> {
        CellFile { segment: self, offset: self.word(CELL_OFFSET), size: size as u64 }
    }

    /// Bytes of the file.
    ///
    /// # Panics
    /// If there are not so many.
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
    /// The number of commits.
    pub fn version(&self) -> u64 {
        self.segment.word(self.offset + VERSION)
    }

    /// The bytes of both slots: the one of even versions first.
    ///
    /// # Panics
    /// If the file has no such bytes.
    pub fn slots(&self) -> [Vec<u8>; 2] {
        let size = usize::try_from(self.size).expect("it fits into memory");
        [0, 1].map(|slot| self.segment.bytes(self.slot(slot), size))
    }

    /// Overwrites bytes of the committed value.
    pub fn overwrite(&self, offset: usize, bytes: &[u8]) {
        self.segment.overwrite(self.slot(self.version() & 1) + offset as u64, bytes);
    }

    /// Two small slots share a line of 64 bytes; larger ones start at lines of their own.
    fn slot(&self, number: u64) -> u64 {
        let length = self.size.next_multiple_of(8);
        let stride = if length * 2 <= 64 { length } else { length.next_multiple_of(64) };
        self.offset + SLOTS + number * stride
    }
}
