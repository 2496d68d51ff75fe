//! The memory of an arena: blocks behind its directory, which hold the values, their types, the table of keys and the
//! transaction records.
//!
//! Any process may read all of it at any time. The owner of the directory's lock writes it, except the cells of values and
//! records.

mod adopt;
mod block_id;
mod blocks;
pub(crate) mod changes;
pub(crate) mod claim;
mod decision;
mod directory;
mod lookup;
pub(crate) mod record;
pub(crate) mod space;
mod table;
mod type_entry;

pub(crate) use adopt::{adopt, allocated};
pub(crate) use block_id::BlockId;
pub(crate) use blocks::{Heap, State, Trailer, block_length, lost};
pub(crate) use changes::Change;
pub(crate) use decision::Decision;
pub(crate) use directory::{Directory, FEW};
pub(crate) use lookup::{cell_at, cell_in, cell_of, find, find_at, untyped_cell_of};
pub use space::ArenaStats;
pub(crate) use table::{Bucket, Table, hash, table_at, table_block};
pub(crate) use type_entry::TypeEntry;

/// The longest key, in bytes.
pub(crate) const MAX_KEY: usize = 255;

/// Converts a word to a number of bytes.
#[expect(clippy::cast_possible_truncation, reason = "words are as long as pointers")]
pub(crate) fn usize_of(word: u64) -> usize {
    word as usize
}
