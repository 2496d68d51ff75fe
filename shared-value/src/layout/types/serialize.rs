//! serde implementations for the ready-made types.

use core::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::layout::{FixedStr, Reserved, SharedDuration, SharedOption, SharedValue, Timestamp};

/// Serializes as text.
impl<const N: usize> Serialize for FixedStr<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

/// Deserializes from text. Fails if the text is longer than `N` bytes or holds a NUL.
impl<'de, const N: usize> Deserialize<'de> for FixedStr<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor<const N: usize>;

impl<const N: usize> Visitor<'_> for TextVisitor<N> {
    type Value = FixedStr<N>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a text of at most {N} bytes without a NUL")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<FixedStr<N>, E> {
        FixedStr::new(text).map_err(E::custom)
    }
}

/// Serializes as an `Option`.
impl<T: SharedValue + Serialize> Serialize for SharedOption<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().serialize(serializer)
    }
}

/// Deserializes from an `Option`.
impl<'de, T: SharedValue + Deserialize<'de>> Deserialize<'de> for SharedOption<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::from)
    }
}

/// Serializes as the number of nanoseconds.
impl Serialize for SharedDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.as_nanos())
    }
}

/// Deserializes from the number of nanoseconds.
impl<'de> Deserialize<'de> for SharedDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from_nanos)
    }
}

/// Serializes as the number of nanoseconds since 1970-01-01T00:00:00Z.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.as_nanos())
    }
}

/// Deserializes from the number of nanoseconds since 1970-01-01T00:00:00Z.
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from_nanos)
    }
}

/// Serializes as `()`.
impl<const N: usize> Serialize for Reserved<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ().serialize(serializer)
    }
}

/// Deserializes from `()`.
impl<'de, const N: usize> Deserialize<'de> for Reserved<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer).map(|()| Self::new())
    }
}
