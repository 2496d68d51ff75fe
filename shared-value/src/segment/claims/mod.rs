//! Claims: what a process has open in an arena, so that other processes do not use its space again.
//!
//! Each process counts in private memory how many handles it has of each *unit*, 128 bytes of the arena; no two values end in
//! one unit. When the first handle of a unit is made, the process shows that to the others, and when the last one is dropped,
//! it takes that back:
//!
//! - A process that writes takes one of 64 *claim slots* of the segment, which names the process by its id for locks. Each claim
//!   slot has a *window*, a counter for each unit. The counters of a process that is gone do not count.
//! - A process that only reads, or finds no free claim slot, locks a byte of the file for each unit (`sys/presence/claims.rs`).
//! - Before a `fork`, the process locks the bytes of all units, by locks that only the child keeps: the *pin*. The first thing that
//!   the child does is to end the pin of units of which it has no handle. The rest ends when the child has shown its own claims.
//!
//! Nothing here looks at values. `heap/claim.rs` says which claims count, `arena/editor/sweep.rs` looks for claims.

mod counts;
mod forks;
mod gaps;
pub(super) mod layout;
mod others;
mod own;
pub(super) mod state;

pub(super) use forks::{begin, set_up};
pub(crate) use layout::Layout;
pub(crate) use others::Search;
