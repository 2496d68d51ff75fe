//! `Token`: a short text that tells any process of the same user where a value is.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process;

use crate::cell::{Cell, Recognized};
use crate::error::Error;
use crate::format::SegmentId;
use crate::segment::{Location, Mapping, TOKEN_PREFIX, id_of};
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
        At::File(path.to_owned())
    } else {
        let process = process::id();
        let start = sys::file::started_at(process).map_err(|error| Error::io("see this process", error))?;
        let file = mapping.file().map_err(|error| Error::io("make a token", error))?;
        At::Descriptor { process, start, number: file.as_raw_fd() }
    };
    Ok(Token(TokenText { id: mapping.id(), number, at }.to_text()))
}

/// Opens the value that a token was made for.
pub(super) fn open<C: Recognized + ?Sized>(text: &str, opening: &Opening) -> Result<Cell<C>, Error> {
    let stale = |reason: String| Error::StaleToken { token: text.escape_debug().to_string(), reason };
    let token = TokenText::from_text(text).ok_or_else(|| stale("it is not of the form that tokens have".to_owned()))?;
    let file = token.open(opening.is_read_only()).map_err(&stale)?;
    match token.at {
        At::Named(name) => opening.open_number(file, &Location::from(name), token.number),
        At::File(path) => opening.open_number(file, &Location::from(path), token.number),
        At::Descriptor { process, .. } => {
            opening.attach_number(file, Location::handed_over(format!("(of process {process})")), token.number)
        }
    }
}

/// The contents of a token.
struct TokenText {
    id: SegmentId,
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
        let at = match &self.at {
            At::Named(name) => format!("name:{name}"),
            At::File(path) => match path.to_str().filter(|path| path.bytes().all(|byte| byte.is_ascii_graphic())) {
                Some(path) => format!("file:{path}"),
                None => format!("bytes:{}", hexadecimal(path.as_os_str().as_bytes())),
            },
            At::Descriptor { process, start, number } => format!("process:{process}:{start}:{number}"),
        };
        format!("{TOKEN_PREFIX}{}:{:x}:{at}", self.id, self.number)
    }

    fn from_text(text: &str) -> Option<Self> {
        let [id, number, kind, at]: [&str; 4] =
            text.strip_prefix(TOKEN_PREFIX)?.splitn(4, ':').collect::<Vec<_>>().try_into().ok()?;
        let at = match kind {
            "name" => At::Named(at.to_owned()),
            "file" => At::File(PathBuf::from(at)),
            "bytes" => At::File(OsString::from_vec(from_hexadecimal(at)?).into()),
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
        Some(Self { id: id.parse().ok()?, number: u64::from_str_radix(number, 16).ok()?, at })
    }

    /// Opens the segment at the place that the token gives. Of another file that lies there by now, only the header is read.
    fn open(&self, read_only: bool) -> Result<File, String> {
        let by_path = |path: &Path| {
            let found = sys::file::look(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
            self.open_found(&found, read_only)
        };
        match &self.at {
            At::Named(name) => {
                by_path(&Location::from(name).path().map_err(|error| error.to_string())?.unwrap_or_default())
            }
            At::File(path) => by_path(path),
            At::Descriptor { process, start, number } => {
                let gone = |error| format!("process {process}: {error}");
                let found = sys::file::look_at_descriptor(*process, *number).map_err(gone)?;
                // This check must come after the look: if the process is still the same, the file is the one that it had open.
                if sys::file::started_at(*process).map_err(gone)? != *start {
                    return Err(format!("process {process} has ended, and its id names another by now"));
                }
                let file = self.open_found(&found, read_only)?;
                // This is a new open file description. It must mark the file as in use too, because the file may have a
                // name.
                if !read_only {
                    Entrance::wait(file.as_fd()).and_then(Entrance::enter).map_err(gone)?;
                }
                Ok(file)
            }
        }
    }

    /// Opens a file that was looked at, if it is the segment of the token. A pipe or a device is not opened at all.
    fn open_found(&self, found: &File, read_only: bool) -> Result<File, String> {
        let is_file = found.metadata().map_err(|error| error.to_string())?.is_file();
        if !is_file {
            return Err("something that is not a regular file has taken its place".to_owned());
        }
        let open = if read_only { sys::file::reopen_read_only } else { sys::file::reopen };
        let file = open(found).map_err(|error| error.to_string())?;
        let id = id_of(&file).map_err(|error| format!("another file has taken its place: {error}"))?;
        if id == self.id { Ok(file) } else { Err("another segment has taken its place".to_owned()) }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |half| char::from_digit(half, 16).expect("less than 16");
    bytes.iter().flat_map(|byte| [digit(u32::from(byte >> 4)), digit(u32::from(byte & 15))]).collect()
}

fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair.filter(|pair| pair.len() == 2)?, 16).ok()).collect()
}
