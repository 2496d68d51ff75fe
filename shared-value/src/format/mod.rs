//! The bytes of a segment: header, table of cells, schemas. Bytes in, validated facts out; no memory is mapped here.
//!
//! ```text
//! 0                 header (64 bytes)
//! table offset      one entry (64 bytes) for each cell
//! schema offset     schema text, as UTF-8
//! cell offset       cells, each at a multiple of 64
//! mutex offset      behind the cell: its pthread mutex, if that guards it (64 bytes)
//! ```

pub(crate) mod contents;
mod description;
mod difference;
mod entry;
mod header;
mod plan;
mod required;

use std::fmt;

use crate::error::Error;

pub(crate) use description::{Described, Description};
pub(crate) use difference::Difference;
pub(crate) use entry::Entry;
pub(crate) use header::{Header, MAX_PREFIX, UnvalidatedHeader};
pub(crate) use plan::Plan;
pub(crate) use required::RequiredLock;

/// What cells are aligned to: a cache line.
pub(crate) const CELL_ALIGN: usize = 64;

/// The largest segment, in bytes: what Rust can address as one object.
const MAX_SEGMENT: u64 = isize::MAX as u64;

/// A part of a header that is not as it must be.
#[derive(Debug)]
pub(crate) struct Invalid {
    pub(crate) field: &'static str,
    pub(crate) expected: String,
    pub(crate) found: String,
}

impl Invalid {
    pub(crate) fn new(field: &'static str, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Self { field, expected: expected.to_string(), found: found.to_string() }
    }

    /// The error for the segment of this name.
    pub(crate) fn of(self, name: &str) -> Error {
        let Self { field, expected, found } = self;
        Error::InvalidSegment { name: name.to_owned(), field, expected, found }
    }
}

/// Requires two parts to be equal.
fn require<V: PartialEq + fmt::Display>(field: &'static str, expected: V, found: V) -> Result<(), Invalid> {
    if expected == found { Ok(()) } else { Err(Invalid::new(field, expected, found)) }
}
