//! `Mapping`: the memory of a segment in this process, and what its header said.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::ptr::NonNull;
use std::slice;

use memmap2::{MmapOptions, MmapRaw};

use crate::error::Error;
use crate::format::{Entry, Header, Invalid, MAX_PREFIX, RequiredLock, UnvalidatedHeader};
use crate::protocol::atomics::AtomicU64;
use crate::segment::identity::Identity;
use crate::segment::location::Location;

/// The memory of a segment.
#[derive(Debug)]
pub(crate) struct Mapping {
    memory: MmapRaw,
    identity: Identity,
    location: Location<'static>,
    name: String,
    header: Header,
    /// While it is open, the inode is not used again, and the file counts as in use.
    file: File,
}

impl Mapping {
    /// Maps a file whose header is valid.
    pub(super) fn new(file: File, location: Location<'static>) -> Result<Self, Error> {
        // Shared between processes, and raw: nothing here ever hands out a reference to these bytes as such.
        Self::mapped(file, location, |options, file| options.map_raw(file))
    }

    /// The same, such that writing to the memory is a fault, and can be made nothing else.
    pub(super) fn read_only(file: File, location: Location<'static>) -> Result<Self, Error> {
        Self::mapped(file, location, |options, file| options.map_raw_read_only(file))
    }

    fn mapped(
        file: File,
        location: Location<'static>,
        map: impl FnOnce(&MmapOptions, &File) -> io::Result<MmapRaw>,
    ) -> Result<Self, Error> {
        let name = location.to_string();
        let failed = |source| Error::io(format!("map `{name}`"), source);
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(Error::InvalidSegment {
                field: "kind of file",
                expected: "a regular file".to_owned(),
                found: format!("{:?}", metadata.file_type()),
                name,
            });
        }
        let file_length = metadata.len();
        let header = read_header(&file, file_length).map_err(failed)?.map_err(|invalid| invalid.of(&name))?;
        let length = usize::try_from(file_length).map_err(|error| failed(io::Error::other(error)))?;
        let memory = map(MmapOptions::new().len(length), &file).map_err(failed)?;
        let identity = Identity { device: metadata.dev(), inode: metadata.ino() };
        Ok(Self { memory, identity, location, name, header, file })
    }

    /// Where the segment lives.
    pub(crate) fn location(&self) -> &Location<'static> {
        &self.location
    }

    /// The name or path, for people.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What guards the values, as the header said when the segment was mapped.
    pub(crate) fn required_lock(&self) -> RequiredLock {
        self.header.lock
    }

    /// The cells, as the header said when the segment was mapped.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.header.entries
    }

    /// Where the byte at `offset` is mapped, if `length` bytes from there lie in the segment.
    pub(crate) fn at(&self, offset: usize, length: usize) -> Option<NonNull<u8>> {
        let end = offset.checked_add(length)?;
        let start = self.memory.as_mut_ptr();
        (end <= self.memory.len()).then(|| start.wrapping_byte_add(offset)).and_then(NonNull::new)
    }

    /// So many words from a multiple of 8 on, if they lie in the segment.
    ///
    /// Whatever they are to others: all of shared memory is accessed as such words.
    pub(crate) fn words(&self, offset: usize, count: usize) -> Option<&[AtomicU64]> {
        if !offset.is_multiple_of(size_of::<u64>()) {
            return None;
        }
        let first = self.at(offset, count.checked_mul(size_of::<u64>())?)?.cast();
        // SAFETY: so many bytes are mapped there while `self` lives, aligned for words, since mappings start at pages. They
        // are atomics, for which all bytes are valid, and which may change under a shared reference.
        Some(unsafe { slice::from_raw_parts(first.as_ptr(), count) })
    }

    /// The bytes of the segment.
    pub(crate) fn length(&self) -> usize {
        self.memory.len()
    }

    /// The file, for passing it on.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    pub(super) fn addresses(&self) -> Range<usize> {
        let start = self.memory.as_mut_ptr().addr();
        start..start + self.memory.len()
    }
}

/// What the header of a file says, if it is that of a segment.
pub(super) fn read_header(file: &File, file_length: u64) -> io::Result<Result<Header, Invalid>> {
    /// Enough for most.
    const FIRST: u64 = 4096;
    // A private copy of the bytes before the first cell: what other processes do to them later does not matter.
    let mut header = UnvalidatedHeader { prefix: Vec::new(), file_length };
    read_up_to(file, &mut header.prefix, FIRST.min(file_length))?;
    let length = header.prefix_length().min(MAX_PREFIX).min(file_length);
    read_up_to(file, &mut header.prefix, length)?;
    Ok(header.validate())
}

/// Reads what is missing of the first so many bytes, or of what there is.
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
