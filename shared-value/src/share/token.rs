//! `Token`: a short text that tells any process of the same user where a value is.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::process;

use crate::cell::{Cell, Recognized};
use crate::error::Error;
use crate::segment::{Identity, Location, Mapping, TOKEN_PREFIX};
use crate::share::opening::Opening;
use crate::sys;
use crate::sys::entrance::Entrance;

/// A short printable text with which another process of the same user can open a value, an arena or a lock.
///
/// Returned by [`Synchronized::token`](crate::Synchronized::token). It is a type of its own because a string names a
/// segment: `open("..")` looks for a name, `open(&token)` follows the token. Text that has travelled through an argument
/// or a pipe becomes a token again by [`Source::token`](crate::Source::token).
///
/// ```
/// use std::process::Command;
/// use shared_value::Synchronized;
///
/// let progress = Synchronized::new(0_u64)?;
/// let token = progress.token()?;
/// Command::new("worker").arg(&token).env("PROGRESS", &token);
/// assert!(token.to_string().starts_with("shared-value:"));
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token(String);

impl Token {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl AsRef<OsStr> for Token {
    fn as_ref(&self) -> &OsStr {
        self.0.as_ref()
    }
}

impl From<String> for Token {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Makes a token for the value with this number in a segment.
pub(crate) fn token_of(mapping: &Mapping, number: u64) -> Result<Token, Error> {
    let location = mapping.location();
    let at = if let Some(name) = location.name() {
        At::Named(name.to_owned())
    } else if let Some(path) = location.file() {
        At::File(std::path::absolute(path).map_err(|error| Error::io("find the working directory", error))?)
    } else {
        let process = process::id();
        let start = sys::process::started_at(process).map_err(|error| Error::io("see this process", error))?;
        let file = mapping.file().map_err(|error| Error::io("make a token", error))?;
        At::Descriptor { process, start, number: file.as_raw_fd() }
    };
    Ok(Token(TokenText { identity: mapping.identity(), number, at }.to_text()))
}

/// Opens the value that a token was made for.
pub(super) fn open<C: Recognized + ?Sized>(text: &str, opening: &Opening) -> Result<Cell<C>, Error> {
    let stale = |reason: String| Error::StaleToken { token: text.escape_debug().to_string(), reason };
    let token = TokenText::from_text(text).ok_or_else(|| stale("it is not of the form that tokens have".to_owned()))?;
    let file = token.open(opening.is_read_only()).map_err(&stale)?;
    let identity = Identity::of(&file).map_err(|error| stale(error.to_string()))?;
    if identity != token.identity {
        return Err(stale("another file has taken its place".to_owned()));
    }
    // A value with a name is opened by that name, in the usual way.
    let cell = match token.at {
        At::Named(name) => opening.open_number(&Location::from(name), token.number),
        At::File(path) => opening.open_number(&Location::from(path), token.number),
        At::Descriptor { process, .. } => {
            opening.attach_number(file, Location::handed_over(format!("(of process {process})")), token.number)
        }
    }?;
    if cell.segment().identity() == token.identity {
        Ok(cell)
    } else {
        Err(stale("another file has taken its place".to_owned()))
    }
}

/// The contents of a token.
struct TokenText {
    identity: Identity,
    /// The number of the value in its segment.
    number: u64,
    at: At,
}

enum At {
    Named(String),
    File(PathBuf),
    Descriptor { process: u32, start: u64, number: RawFd },
}

impl TokenText {
    fn to_text(&self) -> String {
        let Identity { device, inode } = self.identity;
        let at = match &self.at {
            At::Named(name) => format!("name:{name}"),
            At::File(path) => format!("file:{}", path.display()),
            At::Descriptor { process, start, number } => format!("process:{process}:{start}:{number}"),
        };
        format!("{TOKEN_PREFIX}{device:x}:{inode:x}:{:x}:{at}", self.number)
    }

    fn from_text(text: &str) -> Option<Self> {
        let [device, inode, number, kind, at]: [&str; 5] =
            text.strip_prefix(TOKEN_PREFIX)?.splitn(5, ':').collect::<Vec<_>>().try_into().ok()?;
        let at = match kind {
            "name" => At::Named(at.to_owned()),
            "file" => At::File(PathBuf::from(at)),
            "process" => {
                let [process, start, number]: [&str; 3] = at.split(':').collect::<Vec<_>>().try_into().ok()?;
                At::Descriptor {
                    process: process.parse().ok()?,
                    start: start.parse().ok()?,
                    number: number.parse().ok()?,
                }
            }
            _ => return None,
        };
        let hexadecimal = |text| u64::from_str_radix(text, 16).ok();
        let identity = Identity { device: hexadecimal(device)?, inode: hexadecimal(inode)? };
        Some(Self { identity, number: hexadecimal(number)?, at })
    }

    /// Opens the file at the place that the token gives. It may be another file by now.
    fn open(&self, read_only: bool) -> Result<File, String> {
        let by_path = |path: &Path| {
            let open = if read_only { sys::file::open_read_only } else { sys::file::open };
            open(path).map_err(|error| format!("`{}`: {error}", path.display()))
        };
        match &self.at {
            At::Named(name) => {
                by_path(&Location::from(name).path().map_err(|error| error.to_string())?.unwrap_or_default())
            }
            At::File(path) => by_path(path),
            At::Descriptor { process, start, number } => {
                let gone = |error| format!("process {process}: {error}");
                let open = if read_only { sys::file::open_descriptor_read_only } else { sys::file::open_descriptor };
                let file = open(*process, *number).map_err(gone)?;
                // This check must come after `open`: if the process is still the same, the file is the one that it had open.
                if sys::process::started_at(*process).map_err(gone)? != *start {
                    return Err(format!("process {process} has ended, and its id names another by now"));
                }
                // This is a new open file description. It must mark the file as in use too, because the file may have a
                // name.
                if !read_only {
                    Entrance::wait(&file).and_then(Entrance::enter).map_err(gone)?;
                }
                Ok(file)
            }
        }
    }
}
