//! `Arena`: a map of values in one segment, each with a lock of its own, found by key or by id.

mod change;
mod changes;
mod edit;
mod editor;
mod entry;
mod id;
mod key;
mod lookup;
mod map;
mod pattern;
#[cfg(feature = "serde")]
mod serialize;
mod snapshot;
mod transaction;

pub use crate::heap::ArenaStats;
pub use change::ArenaChange;
pub use changes::ArenaChanges;
pub use entry::Entry;
pub use id::Id;
pub use key::{AnyKey, Key};
pub use map::{Arena, Capacity};
pub use snapshot::Snapshot;
pub use transaction::{Attempts, Transaction};
