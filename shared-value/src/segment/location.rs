//! `Location`: where a segment lives.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::segment::header::expect_regular;
use crate::sys;
use crate::sys::descriptor::Identity;

/// Where POSIX shared memory lives on Linux (`shm_overview(7)`).
pub(super) const NAMED: &str = "/dev/shm";

/// The prefix of every token. No name may begin with it.
pub(crate) const TOKEN_PREFIX: &str = "shared-value:";

/// Where a new segment is created: under a name, or in a file.
///
/// Strings are names, paths are files. A name is the name of a file in `/dev/shm`: at most 255 bytes, without `/`. Any
/// process of the same user can open the value by its name.
///
/// ```
/// use std::path::Path;
/// use shared_value::{Synchronized, unlink};
///
/// # let name = &*format!("shared-value-doc-location-{}", std::process::id());
/// # let directory = std::env::temp_dir().join(name);
/// # let path = directory.as_path();
/// Synchronized::create(name, 1_u32)?; // under a name
/// Synchronized::create(path, 2_u32)?; // in a file
/// assert_eq!(Synchronized::<u32>::open(path)?.get(), 2);
/// unlink(name)?;
/// unlink(path)?;
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Location<'a>(Site<'a>);

#[derive(Clone, Debug)]
enum Site<'a> {
    /// In memory only, without a name.
    Anonymous,
    /// Under a name, until the machine stops or a process unlinks it.
    Named(Cow<'a, str>),
    /// In a file.
    File(Cow<'a, Path>),
    /// Unknown: another process has handed over the descriptor, in the way that the text says.
    HandedOver(String),
}

impl Location<'static> {
    /// In memory only, without a name.
    pub(crate) const ANONYMOUS: Self = Self(Site::Anonymous);

    /// Returns the location of a segment whose descriptor another process has handed over. `how` says in which way, for
    /// errors.
    pub(crate) fn handed_over(how: String) -> Self {
        Self(Site::HandedOver(how))
    }
}

impl Location<'_> {
    /// Returns a copy of the location that borrows nothing. A path becomes absolute, because the process may later change its
    /// working directory.
    pub(crate) fn to_static(&self) -> Location<'static> {
        Location(match &self.0 {
            Site::Anonymous => Site::Anonymous,
            Site::Named(name) => Site::Named(name.clone().into_owned().into()),
            Site::File(path) => {
                Site::File(std::path::absolute(path).unwrap_or_else(|_| path.clone().into_owned()).into())
            }
            Site::HandedOver(how) => Site::HandedOver(how.clone()),
        })
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        matches!(self.0, Site::Anonymous)
    }

    /// Returns the name, if the segment has one.
    pub(crate) fn name(&self) -> Option<&str> {
        if let Site::Named(name) = &self.0 { Some(name) } else { None }
    }

    /// Returns the path, if the segment lies in a file.
    pub(crate) fn file(&self) -> Option<&Path> {
        if let Site::File(path) = &self.0 { Some(path) } else { None }
    }

    /// Checks that a file can have the name.
    fn check(&self) -> Result<(), Error> {
        let Site::Named(name) = &self.0 else { return Ok(()) };
        let reason = if name.is_empty() {
            "it is empty"
        } else if name == "." || name == ".." {
            "it names a directory"
        } else if name.starts_with(TOKEN_PREFIX) {
            "it is a token: open it by `Source::token(..)`"
        } else if name.contains('/') {
            "it contains `/`: for a file pass a `Path`, as in `Path::new(..)`"
        } else if name.contains('\0') {
            "it contains a NUL"
        } else if name.len() > 255 {
            "it is longer than 255 bytes"
        } else {
            return Ok(());
        };
        Err(Error::InvalidName { name: name.escape_debug().to_string(), reason })
    }

    /// Returns the path of the file, if the segment has a name or lies in a file.
    ///
    /// # Errors
    /// `InvalidName` if no file can have the name.
    pub(crate) fn path(&self) -> Result<Option<PathBuf>, Error> {
        self.check()?;
        Ok(match &self.0 {
            Site::Anonymous | Site::HandedOver(_) => None,
            Site::Named(name) => Some(Path::new(NAMED).join(&**name)),
            Site::File(path) => Some(path.clone().into_owned()),
        })
    }

    /// Returns the path, for locations that must have one.
    pub(super) fn known_path(&self, operation: &str) -> Result<PathBuf, Error> {
        self.path()?.ok_or_else(|| self.failed(operation, io::ErrorKind::NotFound.into()))
    }

    /// Makes a new, empty file, which is not visible at its path yet.
    pub(super) fn new_file(&self, mode: u32) -> Result<File, Error> {
        let Some(path) = self.path()? else {
            return sys::memory::create("shared-value").map_err(|error| Error::io("create shared memory", error));
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

    /// Makes a file from `new_file` visible at its path.
    pub(super) fn publish(&self, file: impl AsFd) -> Result<(), Error> {
        let Some(path) = self.path()? else {
            return Ok(());
        };
        sys::file::publish(file, &path).map_err(|error| self.failed("name", error))
    }

    /// Opens the file for reading and writing.
    pub(crate) fn open_file(&self) -> Result<File, Error> {
        self.open_file_by("open", sys::file::open)
    }

    /// Opens the file for reading.
    pub(crate) fn open_file_read_only(&self) -> Result<File, Error> {
        self.open_file_by("read", sys::file::open_read_only)
    }

    fn open_file_by(&self, operation: &str, open: impl FnOnce(&Path) -> io::Result<File>) -> Result<File, Error> {
        let path = self.known_path(operation)?;
        // To open a pipe or a device can have effects: the writer of a pipe takes the opener for its reader.
        if let Ok(kind) = sys::file::kind_at(&path)
            && !kind.is_symlink()
        {
            expect_regular(kind).map_err(|invalid| invalid.of(&self.to_string()))?;
        }
        open(&path).map_err(|error| self.failed(operation, error))
    }

    /// Returns whether the file at this location is the one with this identity.
    pub(super) fn leads_to(&self, identity: Identity) -> bool {
        // This opens no file: a pipe or a device may have taken the name.
        self.path().ok().flatten().and_then(|path| sys::file::identity(&path).ok()) == Some(identity)
    }

    pub(super) fn failed(&self, operation: &str, error: io::Error) -> Error {
        match error.kind() {
            // A file that has no name yet cannot be missing: its directory is.
            io::ErrorKind::NotFound if operation != "name" => Error::NotFound { name: self.to_string() },
            io::ErrorKind::AlreadyExists => Error::AlreadyExists { name: self.to_string() },
            io::ErrorKind::PermissionDenied if operation == "open" => {
                Error::io(format!("open `{self}` for writing (to read it alone, use `open_read_only`)"), error)
            }
            _ => Error::io(format!("{operation} `{self}`"), error),
        }
    }
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Site::Anonymous => formatter.write_str("(anonymous)"),
            Site::Named(name) => formatter.write_str(name),
            Site::HandedOver(how) => formatter.write_str(how),
            Site::File(path) => path.display().fmt(formatter),
        }
    }
}

macro_rules! locations {
    ($($from:ty, $kind:ident;)*) => {$(
        impl<'a> From<$from> for Location<'a> {
            fn from(location: $from) -> Self {
                Self(Site::$kind(location.into()))
            }
        }
    )*};
}

locations! { &'a str, Named; &'a String, Named; String, Named; &'a Path, File; &'a PathBuf, File; PathBuf, File; }
