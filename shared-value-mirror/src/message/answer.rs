//! `Answer`: what a publisher tells of a value or an arena.

use serde::{Deserialize, Serialize};

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

/// An answer to an [`Ask`](super::Ask).
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
    #[serde(borrow)]
    pub(crate) entries: Vec<Entry<'m>>,
    /// The keys that were removed since the base.
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
    #[serde(borrow)]
    pub(crate) parts: Vec<(u64, &'m [u8])>,
}

/// Returns the fingerprint of a schema: 64-bit FNV-1a.
pub(crate) fn fingerprint(schema: &str) -> u64 {
    schema.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
