//! Reading the header of a file that may be a segment.

use std::fs::{File, FileType};
use std::io;
use std::os::unix::fs::FileExt;

use crate::format::{HEADER_SIZE, Header, Invalid, MAX_PREFIX, SegmentId, UnvalidatedHeader};
use crate::sys;

/// Checks that a file can be a segment. Directories, pipes and devices cannot.
pub(super) fn expect_regular(kind: FileType) -> Result<(), Invalid> {
    if kind.is_file() {
        return Ok(());
    }
    Err(Invalid::new("kind of file", "a regular file", sys::file::kind(kind)))
}

/// Reads and validates the header of a file.
pub(super) fn read_header(file: &File, file_length: u64) -> io::Result<Result<Header, Invalid>> {
    Ok(read_unvalidated(file, file_length)?.validate())
}

/// Returns the identity of the segment in a file, and does nothing else with the file. The rest of the header may be invalid.
pub(crate) fn id_of(file: &File) -> io::Result<SegmentId> {
    let metadata = file.metadata()?;
    expect_regular(metadata.file_type()).map_err(invalid_data)?;
    let mut header = UnvalidatedHeader { prefix: Vec::new(), file_length: metadata.len() };
    read_up_to(file, &mut header.prefix, HEADER_SIZE.min(metadata.len()))?;
    header.identity().map_err(invalid_data)
}

fn invalid_data(Invalid { field, expected, found }: Invalid) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{field}: expected {expected}, found {found}"))
}

/// Reads the header of a file that may be a segment.
pub(super) fn read_unvalidated(file: &File, file_length: u64) -> io::Result<UnvalidatedHeader> {
    /// Enough for most headers.
    const FIRST: u64 = 4096;
    // A private copy of the bytes before the first cell: later changes by other processes do not matter.
    let mut header = UnvalidatedHeader { prefix: Vec::new(), file_length };
    read_up_to(file, &mut header.prefix, FIRST.min(file_length))?;
    let length = header.prefix_length().min(MAX_PREFIX).min(file_length);
    read_up_to(file, &mut header.prefix, length)?;
    Ok(header)
}

/// Extends `bytes` to the first `length` bytes of the file, or to the whole file if it is shorter.
fn read_up_to(file: &File, bytes: &mut Vec<u8>, length: u64) -> io::Result<()> {
    let mut done = bytes.len();
    bytes.resize(done.max(usize::try_from(length).expect("at most 16 MiB")), 0);
    while done < bytes.len() {
        match file.read_at(&mut bytes[done..], done as u64)? {
            0 => break,
            read => done += read,
        }
    }
    bytes.truncate(done);
    Ok(())
}
