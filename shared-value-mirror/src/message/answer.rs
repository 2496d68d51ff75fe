//! `Answer`: what a publisher tells of a value or an arena.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A committed state of one origin. Two states of the same identity and session are ordered by their sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The 128 random bits of the segment at the origin.
    pub(crate) identity: u128,
    /// Zero for a value. For an arena, which has no version of its own, the random bits of the publisher's run.
    pub(crate) session: u64,
    /// The version of a value; for an arena, the number of the moment that the publisher has read.
    pub(crate) sequence: u64,
}

impl Position {
    /// Returns whether two states can be ordered.
    pub(crate) fn is_comparable(self, other: Self) -> bool {
        (self.identity, self.session) == (other.identity, other.session)
    }
}

/// An answer to a [`Request`](super::Request).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer<'m> {
    /// Nothing has the name at the origin.
    Absent,
    /// The follower's state is the newest.
    Same(Position),
    /// A newer state.
    #[serde(borrow)]
    News(News<'m>),
}

/// A state that is newer than the follower's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct News<'m> {
    /// Which state it is.
    pub(crate) position: Position,
    /// The oldest sequence of a state that becomes this one by the entries; `None` if they are all of the state.
    pub(crate) base: Option<u64>,
    /// The kind of value that is mirrored.
    pub(crate) shape: Shape,
    /// The values of the state that the follower's state may lack.
    #[serde(borrow, deserialize_with = "few_entries")]
    pub(crate) entries: Vec<Entry<'m>>,
    /// The keys that were removed since the base.
    #[serde(deserialize_with = "few_keys")]
    pub(crate) removed: Vec<&'m str>,
}

/// Whether a value or an arena is mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Shape {
    /// A value of its own. It has one entry, whose key is empty.
    Value,
    /// An arena that can hold this number of bytes.
    Arena {
        /// The number of bytes.
        capacity: u64,
    },
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry<'m> {
    /// The key in the arena.
    pub(crate) key: &'m str,
    /// Its contents.
    #[serde(borrow)]
    pub(crate) bytes: Bytes<'m>,
}

/// What a value holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Bytes<'m> {
    /// All of it, for a follower that may not know its type.
    Whole {
        /// The text of the layout.
        schema: &'m str,
        /// The bytes of the value. For a vector, of its elements.
        bytes: &'m [u8],
        /// The capacity of a vector.
        capacity: Option<u64>,
    },
    /// The parts that have changed since the base.
    #[serde(borrow)]
    Blocks(Blocks<'m>),
}

/// Parts of a value whose type the follower knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blocks<'m> {
    /// The fingerprint of the layout.
    pub(crate) fingerprint: u64,
    /// The number of bytes of the whole value.
    pub(crate) length: u64,
    /// Offsets, and the bytes from there on.
    #[serde(borrow, deserialize_with = "few_parts")]
    pub(crate) parts: Vec<(u64, &'m [u8])>,
}

/// The most values that an arena can be mirrored with.
pub(crate) const VALUES: usize = 1 << 20;

/// The most keys of which a message says that they were removed. A follower that has missed more gets the whole state.
pub(crate) const REMOVED: usize = 10_000;

/// The bytes of parts together, for each of them: a part takes memory beside its bytes. The first few may have fewer.
const PART: usize = 16;

fn few_entries<'de: 'm, 'm, D: Deserializer<'de>>(from: D) -> Result<Vec<Entry<'m>>, D::Error> {
    few(from, |entries: &[Entry<'_>]| entries.len() <= VALUES)
}

fn few_keys<'de: 'm, 'm, D: Deserializer<'de>>(from: D) -> Result<Vec<&'m str>, D::Error> {
    few(from, |keys: &[&str]| keys.len() <= REMOVED)
}

fn few_parts<'de: 'm, 'm, D: Deserializer<'de>>(from: D) -> Result<Vec<(u64, &'m [u8])>, D::Error> {
    let mut bytes = 0;
    few(from, move |parts: &[(u64, &[u8])]| {
        bytes += parts.last().map_or(0, |(_, part)| part.len());
        parts.len() <= 4 + bytes / PART
    })
}

/// Reads a sequence, and refuses it as soon as there are too many elements: a few bytes of a message can say that there are
/// thousands, each of which takes many times as much memory.
fn few<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
    is_allowed: impl FnMut(&[T]) -> bool,
) -> Result<Vec<T>, D::Error> {
    struct Few<T, F>(F, PhantomData<T>);

    impl<'de, T: Deserialize<'de>, F: FnMut(&[T]) -> bool> Visitor<'de> for Few<T, F> {
        type Value = Vec<T>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a sequence")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<Vec<T>, A::Error> {
            let mut elements = Vec::new();
            while let Some(element) = sequence.next_element()? {
                elements.push(element);
                if !(self.0)(&elements) {
                    return Err(A::Error::custom("too many elements"));
                }
            }
            Ok(elements)
        }
    }

    from.deserialize_seq(Few(is_allowed, PhantomData))
}

/// Returns the fingerprint of a schema: 64-bit FNV-1a.
pub(crate) fn fingerprint(schema: &str) -> u64 {
    schema.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
