//! Arrays that another process has handed over; how they are handed over is as for any value.

use std::os::unix::net::UnixStream;

#[cfg(feature = "serde")]
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::array::SharedArray;
use crate::error::Error;
#[cfg(feature = "serde")]
use crate::handle::access::Access;
use crate::handle::access::{ReadOnly, Unlocked};
use crate::handle::synchronized::Synchronized;
use crate::layout::SharedValue;
#[cfg(feature = "serde")]
use crate::share::Attach;

impl<T: SharedValue> SharedArray<T> {
    /// As [`Synchronized::inherited`].
    ///
    /// # Errors
    /// The same.
    pub fn inherited(name: &str) -> Result<Self, Error> {
        Synchronized::inherited(name).map(Self::from)
    }

    /// As [`Synchronized::from_token`].
    ///
    /// # Errors
    /// The same.
    pub fn from_token(token: &str) -> Result<Self, Error> {
        Synchronized::from_token(token).map(Self::from)
    }

    /// As [`Synchronized::receive_from`].
    ///
    /// # Errors
    /// The same.
    pub fn receive_from(socket: &UnixStream) -> Result<Self, Error> {
        Synchronized::receive_from(socket).map(Self::from)
    }
}

impl<T: SharedValue> SharedArray<T, ReadOnly> {
    /// As [`Synchronized::inherited_read_only`].
    ///
    /// # Errors
    /// The same.
    pub fn inherited_read_only(name: &str) -> Result<Self, Error> {
        Synchronized::inherited_read_only(name).map(Self::from)
    }

    /// As [`Synchronized::from_token_read_only`].
    ///
    /// # Errors
    /// The same.
    pub fn from_token_read_only(token: &str) -> Result<Self, Error> {
        Synchronized::from_token_read_only(token).map(Self::from)
    }

    /// As [`Synchronized::receive_read_only_from`].
    ///
    /// # Errors
    /// The same.
    pub fn receive_read_only_from(socket: &UnixStream) -> Result<Self, Error> {
        Synchronized::receive_read_only_from(socket).map(Self::from)
    }
}

impl<T: SharedValue> SharedArray<T, Unlocked> {
    /// As [`Synchronized::inherited_unlocked`].
    ///
    /// # Errors
    /// The same.
    pub fn inherited_unlocked(name: &str) -> Result<Self, Error> {
        Synchronized::inherited_unlocked(name).map(Self::from)
    }

    /// As [`Synchronized::from_token_unlocked`].
    ///
    /// # Errors
    /// The same.
    pub fn from_token_unlocked(token: &str) -> Result<Self, Error> {
        Synchronized::from_token_unlocked(token).map(Self::from)
    }

    /// As [`Synchronized::receive_unlocked_from`].
    ///
    /// # Errors
    /// The same.
    pub fn receive_unlocked_from(socket: &UnixStream) -> Result<Self, Error> {
        Synchronized::receive_unlocked_from(socket).map(Self::from)
    }
}

#[cfg(feature = "serde")]
impl<T: SharedValue, A: Access> Serialize for SharedArray<T, A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Synchronized::serialize(self, serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de, T: SharedValue, A: Attach> Deserialize<'de> for SharedArray<T, A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Synchronized::deserialize(deserializer).map(Self::from)
    }
}
