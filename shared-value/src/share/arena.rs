//! Handing an arena to another process.

use std::os::unix::net::UnixStream;
use std::process::Command;

use crate::arena::Arena;
use crate::error::Error;
use crate::handle::access::{Access, ReadOnly};
use crate::handle::synchronized::Synchronized;
#[cfg(feature = "serde")]
use crate::share::Attach;

impl<A: Access> Arena<A> {
    /// As [`Synchronized::pass_to`].
    ///
    /// # Errors
    /// The same.
    pub fn pass_to(&self, command: &mut Command, name: &str) -> Result<(), Error> {
        self.directory().pass_to(command, name)
    }

    /// As [`Synchronized::token`].
    ///
    /// # Errors
    /// The same.
    pub fn token(&self) -> Result<String, Error> {
        self.directory().token()
    }

    /// As [`Synchronized::send_to`].
    ///
    /// # Errors
    /// The same.
    pub fn send_to(&self, socket: &UnixStream) -> Result<(), Error> {
        self.directory().send_to(socket)
    }
}

impl Arena {
    /// As [`Synchronized::inherited`].
    ///
    /// # Errors
    /// The same.
    pub fn inherited(name: &str) -> Result<Self, Error> {
        Synchronized::inherited(name).map(Self::of)
    }

    /// As [`Synchronized::from_token`].
    ///
    /// # Errors
    /// The same.
    pub fn from_token(token: &str) -> Result<Self, Error> {
        Synchronized::from_token(token).map(Self::of)
    }

    /// As [`Synchronized::receive_from`].
    ///
    /// # Errors
    /// The same.
    pub fn receive_from(socket: &UnixStream) -> Result<Self, Error> {
        Synchronized::receive_from(socket).map(Self::of)
    }
}

impl Arena<ReadOnly> {
    /// As [`Synchronized::inherited_read_only`].
    ///
    /// # Errors
    /// The same.
    pub fn inherited_read_only(name: &str) -> Result<Self, Error> {
        Synchronized::inherited_read_only(name).map(Self::of)
    }

    /// As [`Synchronized::from_token_read_only`].
    ///
    /// # Errors
    /// The same.
    pub fn from_token_read_only(token: &str) -> Result<Self, Error> {
        Synchronized::from_token_read_only(token).map(Self::of)
    }

    /// As [`Synchronized::receive_read_only_from`].
    ///
    /// # Errors
    /// The same.
    pub fn receive_read_only_from(socket: &UnixStream) -> Result<Self, Error> {
        Synchronized::receive_read_only_from(socket).map(Self::of)
    }
}

#[cfg(feature = "serde")]
impl<A: Access> serde::Serialize for Arena<A> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.directory().serialize(serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de, A: Attach> serde::Deserialize<'de> for Arena<A> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Synchronized::deserialize(deserializer).map(Self::of)
    }
}
