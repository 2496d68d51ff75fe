//! `Identity`: identifies the file that a segment lies in.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;

/// Device and inode: equal for all openings of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl Identity {
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { device: metadata.dev(), inode: metadata.ino() })
    }
}
