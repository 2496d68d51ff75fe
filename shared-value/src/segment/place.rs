//! `Place`: where a segment lives.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::segment::Identity;
use crate::sys;

/// Where POSIX shared memory lives on Linux (`shm_overview(7)`).
pub(super) const NAMED: &str = "/dev/shm";

/// Where a segment lives.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// Nowhere but in memory.
    Anonymous,
    /// Under a name, until the machine stops or somebody unlinks it.
    Named(String),
    /// In a file.
    File(PathBuf),
    /// Wherever: another process has handed over its descriptor, in the way that this says.
    HandedOver(String),
}

impl Place {
    /// The place of a name.
    ///
    /// # Errors
    /// `InvalidName` if no file can have it.
    pub(crate) fn named(name: &str) -> Result<Self, Error> {
        let broken = if name.is_empty() {
            Some("it is empty")
        } else if name == "." || name == ".." {
            Some("it names a directory")
        } else if name.contains('/') {
            Some("it contains `/`; for a path use `create_file` and `open_file`")
        } else if name.contains('\0') {
            Some("it contains a NUL")
        } else if name.len() > 255 {
            Some("it is longer than 255 bytes")
        } else {
            None
        };
        match broken {
            None => Ok(Self::Named(name.to_owned())),
            Some(reason) => Err(Error::InvalidName { name: name.escape_debug().to_string(), reason }),
        }
    }

    /// The file that it is, if it has a name.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Anonymous | Self::HandedOver(_) => None,
            Self::Named(name) => Some(Path::new(NAMED).join(name)),
            Self::File(path) => Some(path.clone()),
        }
    }

    /// A new, empty file for the place, not visible there yet.
    pub(super) fn new_file(&self, mode: u32) -> Result<File, Error> {
        let Some(path) = self.path() else {
            return sys::file::memory("shared-value").map_err(|error| Error::io("create shared memory", error));
        };
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        sys::file::unnamed(directory, mode).map_err(|error| match error.kind() {
            io::ErrorKind::Unsupported | io::ErrorKind::IsADirectory => Error::io(
                format!("create `{self}`: the file system of `{}` has no O_TMPFILE", directory.display()),
                error,
            ),
            _ => Error::io(format!("create `{self}` in `{}`", directory.display()), error),
        })
    }

    /// Makes a file made by `new_file` visible at the place.
    pub(super) fn publish(&self, file: &File) -> Result<(), Error> {
        let Some(path) = self.path() else {
            return Ok(());
        };
        sys::file::publish(file, &path).map_err(|error| self.failed("name", error))
    }

    /// The file that is there.
    pub(super) fn open_file(&self) -> Result<File, Error> {
        self.open_file_by(sys::file::open)
    }

    /// The file that is there, to read it.
    pub(super) fn open_file_read_only(&self) -> Result<File, Error> {
        self.open_file_by(sys::file::open_read_only)
    }

    fn open_file_by(&self, open: impl FnOnce(&Path) -> io::Result<File>) -> Result<File, Error> {
        let path = self.path().ok_or_else(|| self.failed("open", io::ErrorKind::NotFound.into()))?;
        open(&path).map_err(|error| self.failed("open", error))
    }

    /// Takes the name away; whoever has the segment open goes on.
    pub(crate) fn unlink(&self) -> Result<(), Error> {
        let path = self.path().ok_or_else(|| self.failed("unlink", io::ErrorKind::NotFound.into()))?;
        std::fs::remove_file(path).map_err(|error| self.failed("unlink", error))
    }

    /// Whether this is where the file of this identity is.
    pub(super) fn leads_to(&self, identity: Identity) -> bool {
        self.open_file_read_only()
            .and_then(|file| Identity::of(&file).map_err(|error| self.failed("inspect", error)))
            .ok()
            == Some(identity)
    }

    fn failed(&self, operation: &str, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::NotFound => Error::NotFound { name: self.to_string() },
            io::ErrorKind::AlreadyExists => Error::AlreadyExists { name: self.to_string() },
            _ => Error::io(format!("{operation} `{self}`"), error),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => formatter.write_str("(anonymous)"),
            Self::Named(name) | Self::HandedOver(name) => formatter.write_str(name),
            Self::File(path) => path.display().fmt(formatter),
        }
    }
}
