//! Arenas: many values in one segment, as a mapping.

mod changes;
mod map;
mod transaction;

pub(crate) use changes::ArenaChanges;
pub(crate) use map::{Arena, create_arena, open_arena};
pub(crate) use transaction::{Transaction, run_transaction};
