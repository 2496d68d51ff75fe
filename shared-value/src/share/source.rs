//! `Source`: where a segment is found.

use std::borrow::Cow;
use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::segment::Location;
use crate::share::token::Token;

/// Where a value, an arena or a lock is found.
///
/// | from | found |
/// |---|---|
/// | a string | under this name |
/// | a [`Path`] | in this file |
/// | a [`Token`], or [`Source::token`] | at the place that the token of a process of this user names |
/// | [`Source::inherited`] | among the descriptors that the parent process has passed |
/// | a `&UnixStream` | at the other end of the socket |
/// | [`Source::descriptor`] | in the file of a descriptor that the program has |
///
/// ```
/// use shared_value::{Source, Synchronized};
///
/// let counter = Synchronized::new(7_i64)?;
/// let token = counter.token()?;
/// let text = token.to_string(); // for an argument, a pipe, a configuration file
/// assert_eq!(Synchronized::<i64>::open(&token)?.get(), 7);
/// assert_eq!(Synchronized::<i64>::open(Source::token(text))?.get(), 7);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Source<'a>(pub(super) Origin<'a>);

#[derive(Clone, Debug)]
pub(super) enum Origin<'a> {
    Location(Location<'a>),
    Inherited(Cow<'a, str>),
    Token(Cow<'a, str>),
    Socket(&'a UnixStream),
    Descriptor(BorrowedFd<'a>),
}

impl<'a> Source<'a> {
    /// Finds the value that the parent program passed under this name, by
    /// [`pass_to`](crate::Synchronized::pass_to).
    ///
    /// It can be opened more than once. Programs that this one starts do not get it, unless it is passed on.
    pub fn inherited(name: impl Into<Cow<'a, str>>) -> Self {
        Self(Origin::Inherited(name.into()))
    }

    /// Finds the value that a [`Token`] was made for, given its text.
    pub fn token(text: impl Into<Cow<'a, str>>) -> Self {
        Self(Origin::Token(text.into()))
    }

    /// Finds the value in the file of a descriptor: one that [`as_fd`](crate::Synchronized::as_fd) of a handle has returned, or a
    /// duplicate of it, which may have come from another process. The descriptor stays open, and the value does not need it.
    ///
    /// If the file has a name, this process opens it anew, so it needs permission for the file. For a value of an arena, open the
    /// [`Arena`](crate::Arena), and find the value there.
    ///
    /// ```
    /// use std::fs::File;
    /// use shared_value::{Error, Source, Synchronized};
    ///
    /// # let name = format!("shared-value-doc-descriptor-{}", std::process::id());
    /// let value = Synchronized::create(&name, 7_u64)?;
    /// let file = File::options().read(true).write(true).open(format!("/dev/shm/{name}")).expect("it exists");
    /// assert_eq!(Synchronized::<u64>::open(Source::descriptor(&file))?.get(), 7);
    /// value.unlink()?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn descriptor(descriptor: &'a impl AsFd) -> Self {
        Self(Origin::Descriptor(descriptor.as_fd()))
    }
}

/// Prints the place as errors name it.
impl fmt::Display for Source<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Origin::Location(location) => location.fmt(formatter),
            Origin::Inherited(name) => write!(formatter, "(passed as {name})"),
            Origin::Token(text) => formatter.write_str(text),
            Origin::Socket(_) => formatter.write_str("(received)"),
            Origin::Descriptor(descriptor) => write!(formatter, "(descriptor {})", descriptor.as_raw_fd()),
        }
    }
}

impl<'a> From<Location<'a>> for Source<'a> {
    fn from(location: Location<'a>) -> Self {
        Self(Origin::Location(location))
    }
}

macro_rules! locations {
    ($($from:ty)*) => {$(
        impl<'a> From<$from> for Source<'a> {
            fn from(location: $from) -> Self {
                Location::from(location).into()
            }
        }
    )*};
}

locations! { &'a str &'a String String &'a Path &'a PathBuf PathBuf }

impl<'a> From<&'a UnixStream> for Source<'a> {
    fn from(socket: &'a UnixStream) -> Self {
        Self(Origin::Socket(socket))
    }
}

impl<'a> From<&'a Token> for Source<'a> {
    fn from(token: &'a Token) -> Self {
        Self::token(token.as_str())
    }
}

impl From<Token> for Source<'_> {
    fn from(token: Token) -> Self {
        Self::token(token.into_string())
    }
}
