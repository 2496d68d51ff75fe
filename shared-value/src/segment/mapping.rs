//! `Mapping`: the memory of a segment in this process, and its validated header.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::ptr::NonNull;
use std::slice;

use memmap2::{MmapOptions, MmapRaw};

use crate::error::Error;
use crate::format::{CellEntry, Header, Invalid, MAX_PREFIX, RequiredLock, UnvalidatedHeader};
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
    /// Kept open, so that the inode is not reused, and the file counts as in use.
    file: File,
}

impl Mapping {
    /// Maps a file whose header is valid.
    pub(super) fn new(file: File, location: Location<'static>) -> Result<Self, Error> {
        // The mapping is shared between processes, and raw: nothing here ever hands out a reference to its plain bytes.
        Self::mapped(file, location, |options, file| options.map_raw(file))
    }

    /// Maps a file whose header is valid, for reading. A write to the memory is a fault, and `mprotect` cannot change that
    /// if the file is open for reading only.
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
        let memory = map(MmapOptions::new().len(length), &file).map_err(|error| {
            let cause = match error.kind() {
                // `mlockall(MCL_FUTURE)` locks the whole mapping at once.
                io::ErrorKind::WouldBlock => format!(", {length} bytes that `mlockall` locks, beyond RLIMIT_MEMLOCK"),
                _ => String::new(),
            };
            Error::io(format!("map `{name}`{cause}"), error)
        })?;
        let identity = Identity { device: metadata.dev(), inode: metadata.ino() };
        Ok(Self { memory, identity, location, name, header, file })
    }

    /// Returns where the segment lives.
    pub(crate) fn location(&self) -> &Location<'static> {
        &self.location
    }

    /// Returns the name or path, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the lock that guards the values, as the header said when the segment was mapped.
    pub(crate) fn required_lock(&self) -> RequiredLock {
        self.header.lock
    }

    /// Returns the cells, as the header said when the segment was mapped.
    pub(crate) fn entries(&self) -> &[CellEntry] {
        &self.header.entries
    }

    /// Returns the address of the byte at `offset`, if `length` bytes from there lie in the segment.
    #[inline]
    pub(crate) fn at(&self, offset: usize, length: usize) -> Option<NonNull<u8>> {
        let end = offset.checked_add(length)?;
        let start = self.memory.as_mut_ptr();
        (end <= self.memory.len()).then(|| start.wrapping_byte_add(offset)).and_then(NonNull::new)
    }

    /// Returns `count` words from `offset` on, if that is a multiple of 8 and the words lie in the segment.
    ///
    /// Other processes may write anything to them: all accesses to shared memory are accesses to whole atomic words.
    #[inline]
    pub(crate) fn words(&self, offset: usize, count: usize) -> Option<&[AtomicU64]> {
        if !offset.is_multiple_of(size_of::<u64>()) {
            return None;
        }
        let first = self.at(offset, count.checked_mul(size_of::<u64>())?)?.cast();
        // SAFETY: `at` has checked that `count` words from `first` on lie in the mapping, which lasts while `self` lives.
        // They are aligned, since mappings start at pages and `offset` is a multiple of 8. They are atomics: all bytes are
        // valid for them, and they may change under a shared reference.
        Some(unsafe { slice::from_raw_parts(first.as_ptr(), count) })
    }

    /// Returns the length of the segment in bytes.
    pub(crate) fn length(&self) -> usize {
        self.memory.len()
    }

    /// Returns the file, for handing it over.
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

/// Reads and validates the header of a file.
pub(super) fn read_header(file: &File, file_length: u64) -> io::Result<Result<Header, Invalid>> {
    /// Enough for most headers.
    const FIRST: u64 = 4096;
    // A private copy of the bytes before the first cell: later changes by other processes do not matter.
    let mut header = UnvalidatedHeader { prefix: Vec::new(), file_length };
    read_up_to(file, &mut header.prefix, FIRST.min(file_length))?;
    let length = header.prefix_length().min(MAX_PREFIX).min(file_length);
    read_up_to(file, &mut header.prefix, length)?;
    Ok(header.validate())
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
