//! To any process of the same user: a short text that says where the value is, and proves that it still is the same.

use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::process;

use crate::cell::{Cell, Guarding};
use crate::error::Error;
use crate::handle::access::{Access, ReadOnly, ReadWrite, Unlocked};
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::segment::{Identity, Place};
use crate::share::{Attach, Handed};
use crate::sys;
use crate::sys::entrance::Entrance;

impl<C: Shared + ?Sized, A: Access> Synchronized<C, A> {
    /// A short printable text by which another process of the same user [attaches](Synchronized::from_token) to the value.
    ///
    /// A value that has a name or a path is found by it. One without is found by the descriptor of this process, so the
    /// token is good while this process lives and has the value. Neither ever leads to another value: the token also says
    /// which file it was made for, and when this process was started.
    ///
    /// # Errors
    /// `Io` if the kernel does not show this process in `/proc`, or the working directory is gone.
    ///
    /// ```
    /// use shared_value::Synchronized;
    ///
    /// let value = Synchronized::new(7_i32)?;
    /// let other = Synchronized::<i32>::from_token(&value.token()?)?;
    /// value.set(8)?;
    /// assert_eq!(other.get(), 8);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn token(&self) -> Result<String, Error> {
        let mapping = self.cell.segment();
        let at = match mapping.place() {
            Place::Named(name) => At::Named(name.clone()),
            Place::File(path) => {
                let path = std::path::absolute(path).map_err(|error| Error::io("find the working directory", error))?;
                At::File(path)
            }
            Place::Anonymous | Place::HandedOver(_) => {
                let process = process::id();
                let start = sys::process::started_at(process).map_err(|error| Error::io("see this process", error))?;
                At::Descriptor { process, start, number: mapping.file().as_raw_fd() }
            }
        };
        Ok(Token { identity: mapping.identity(), value: self.cell.number(), at }.to_text())
    }

    pub(crate) fn attach_by(token: &str, guarding: &Guarding) -> Result<Self, Error>
    where
        A: Attach,
    {
        by_token::<C, A>(token, guarding).map(Self::of)
    }
}

/// The cell that a token was made for.
pub(crate) fn by_token<C: Handed + ?Sized, A: Attach>(text: &str, guarding: &Guarding) -> Result<Cell<C>, Error> {
    let stale = |reason: String| Error::StaleToken { token: text.escape_debug().to_string(), reason };
    let token = Token::from_text(text).ok_or_else(|| stale("it is not of the form that `token` writes".to_owned()))?;
    let file = token.open(A::READ_ONLY).map_err(&stale)?;
    let identity = Identity::of(&file).map_err(|error| stale(error.to_string()))?;
    if identity != token.identity {
        return Err(stale("another file has taken its place".to_owned()));
    }
    // A value with a name is opened by it, so that this counts as any other opening.
    let cell = match token.at {
        At::Named(name) => A::open_at(&Place::Named(name), guarding, token.value),
        At::File(path) => A::open_at(&Place::File(path), guarding, token.value),
        At::Descriptor { process, .. } => {
            A::attach_to(file, Place::HandedOver(format!("(of process {process})")), guarding, token.value)
        }
    }?;
    if cell.segment().identity() == token.identity {
        Ok(cell)
    } else {
        Err(stale("another file has taken its place".to_owned()))
    }
}

impl<C: Shared + ?Sized> Synchronized<C> {
    /// The value that a [token](Synchronized::token) was made for.
    ///
    /// # Errors
    /// `StaleToken` if the value or its process is gone, or this process may not see it; `LayoutMismatch` if the value is
    /// of another type; `Io`.
    pub fn from_token(token: &str) -> Result<Self, Error> {
        Self::attach_by(token, &ReadWrite::guarding())
    }
}

impl<C: Shared + ?Sized> Synchronized<C, ReadOnly> {
    /// As [`Synchronized::from_token`], for reading.
    ///
    /// # Errors
    /// The same.
    pub fn from_token_read_only(token: &str) -> Result<Self, Error> {
        Self::attach_by(token, &ReadOnly::guarding())
    }
}

impl<C: Shared + ?Sized> Synchronized<C, Unlocked> {
    /// As [`Synchronized::from_token`], for a value without a lock.
    ///
    /// # Errors
    /// The same.
    pub fn from_token_unlocked(token: &str) -> Result<Self, Error> {
        Self::attach_by(token, &Unlocked::guarding())
    }
}

/// What a token says.
struct Token {
    identity: Identity,
    /// Which value of its segment it is.
    value: u64,
    at: At,
}

enum At {
    Named(String),
    File(PathBuf),
    Descriptor { process: u32, start: u64, number: RawFd },
}

impl Token {
    fn to_text(&self) -> String {
        let Identity { device, inode } = self.identity;
        let at = match &self.at {
            At::Named(name) => format!("name:{name}"),
            At::File(path) => format!("file:{}", path.display()),
            At::Descriptor { process, start, number } => format!("process:{process}:{start}:{number}"),
        };
        format!("shared-value:{device:x}:{inode:x}:{:x}:{at}", self.value)
    }

    fn from_text(text: &str) -> Option<Self> {
        let [device, inode, value, kind, at]: [&str; 5] =
            text.strip_prefix("shared-value:")?.splitn(5, ':').collect::<Vec<_>>().try_into().ok()?;
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
        let number = |text| u64::from_str_radix(text, 16).ok();
        let identity = Identity { device: number(device)?, inode: number(inode)? };
        Some(Self { identity, value: number(value)?, at })
    }

    /// The file where the token says it is; it may be another by now.
    fn open(&self, read_only: bool) -> Result<File, String> {
        let by_path = |path: &Path| {
            let open = if read_only { sys::file::open_read_only } else { sys::file::open };
            open(path).map_err(|error| format!("`{}`: {error}", path.display()))
        };
        match &self.at {
            At::Named(name) => {
                by_path(&Place::named(name).map_err(|error| error.to_string())?.path().unwrap_or_default())
            }
            At::File(path) => by_path(path),
            At::Descriptor { process, start, number } => {
                let gone = |error| format!("process {process}: {error}");
                let open = if read_only { sys::file::open_descriptor_read_only } else { sys::file::open_descriptor };
                let file = open(*process, *number).map_err(gone)?;
                // After the opening: if the process is still the same now, it was so then.
                if sys::process::started_at(*process).map_err(gone)? != *start {
                    return Err(format!("process {process} has ended, and its id names another by now"));
                }
                // This is an opening of its own, so it has to say for itself that the file is in use: it may have a name.
                if !read_only {
                    Entrance::wait(&file).and_then(Entrance::enter).map_err(gone)?;
                }
                Ok(file)
            }
        }
    }
}
