//! Surveys: the segments of this machine, each with what is known of it without using it.

mod entry;
mod lock;

pub(crate) use entry::{Entry, Kind, survey};
pub(crate) use lock::{LockFacts, Owner};
