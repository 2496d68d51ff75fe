//! `set`, `compare-and-set` and `add`: changes, each as one commit.

mod assignment;
mod lock;
mod opened;
mod set;
mod sum;
mod transaction;
mod update;

pub(crate) use lock::{LockArguments, seconds};
pub(crate) use opened::entry_of;
pub(crate) use set::{Set, set, set_one};
pub(crate) use update::{Add, CompareAndSet, add, compare_and_set};
