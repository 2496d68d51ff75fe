//! Arenas as tokens, for serde.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::arena::map::Arena;
use crate::handle::access::Access;
use crate::handle::options::{Handle, Options};
use crate::share::Source;

impl<A: Access> Serialize for Arena<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.token().map_err(S::Error::custom)?)
    }
}

impl<'de, A> Deserialize<'de> for Arena<A>
where
    Self: Handle,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let token = String::deserialize(deserializer)?;
        Options::default().open(Source::token(token)).map_err(D::Error::custom)
    }
}
