//! The bytes of a segment: header, table of cells, schemas. This folder turns bytes into validated facts, and maps no
//! memory.
//!
//! ```text
//! 0                 header (128 bytes)
//! table offset      one entry (64 bytes) for each cell
//! schema offset     schema text, as UTF-8
//! cell offset       cells, each at a multiple of 64
//! mutex offset      after the cell: its pthread mutex, if one guards it (64 bytes)
//! ```

mod cell;
mod cell_entry;
mod description;
mod difference;
mod extent;
mod header;
mod plan;
mod required;
mod unvalidated;

use std::fmt;

use crate::error::Error;

pub(crate) use cell::{OneSlot, contents, growth, lanes, room};
pub(crate) use cell_entry::CellEntry;
pub(crate) use description::{Described, Description};
pub(crate) use difference::Difference;
pub(crate) use extent::Extent;
pub(crate) use header::{FORMAT, HEADER_SIZE, Header, MAX_PREFIX, RETIRED, SegmentId, UNVOUCHED};
pub(crate) use plan::Plan;
pub(crate) use required::RequiredLock;
pub(crate) use unvalidated::UnvalidatedHeader;

/// The alignment of cells: a cache line.
pub(crate) const CELL_ALIGN: usize = 64;

/// Where the event word lies in a cell (`protocol/event.rs`).
pub(crate) const EVENT: usize = 56;

/// The length of the largest segment in bytes: Rust's limit for one object.
const MAX_SEGMENT: u64 = isize::MAX as u64;

/// A part of a header that is invalid.
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

    /// Returns the error for the segment of this name.
    pub(crate) fn of(self, name: &str) -> Error {
        let Self { field, expected, found } = self;
        Error::InvalidSegment { name: name.to_owned(), field, expected, found }
    }
}

/// Returns the error for a value that was opened with another number of slots than it has.
pub(crate) fn other_slots(is_one_slot: bool) -> Invalid {
    if is_one_slot {
        return Invalid::new("slots", "two", "one: it is a live value, so open it as a `Live`");
    }
    Invalid::new("slots", "one", "two: it is not a live value, so open it as a `Synchronized`")
}

/// Checks that a part has the expected content.
fn require<V: PartialEq + fmt::Display>(field: &'static str, expected: V, found: V) -> Result<(), Invalid> {
    if expected == found { Ok(()) } else { Err(Invalid::new(field, expected, found)) }
}
