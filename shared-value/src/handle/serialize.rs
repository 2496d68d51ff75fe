//! Handles as tokens, for serde.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::cell::Terms;
use crate::handle::access::Access;
use crate::handle::lock_object::{LockObject, LockRule};
use crate::handle::options::sealed::Handle;
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::share::Source;

impl<C: Shared + ?Sized, A: Access> Serialize for Synchronized<C, A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.token().map_err(S::Error::custom)?)
    }
}

impl<'de, C: Shared + ?Sized, A: Access> Deserialize<'de> for Synchronized<C, A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let token = String::deserialize(deserializer)?;
        Self::open_from(&Source::token(token), &Terms::default()).map_err(D::Error::custom)
    }
}

impl<R: LockRule> Serialize for LockObject<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.token().map_err(S::Error::custom)?)
    }
}

impl<'de, R: LockRule> Deserialize<'de> for LockObject<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let token = String::deserialize(deserializer)?;
        Self::open(Source::token(token)).map_err(D::Error::custom)
    }
}
