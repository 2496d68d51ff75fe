//! Tools of the integration tests of `shared-value`: child processes that can be killed at a known point, names that are
//! unlinked when they are dropped, forks, robust mutexes of the C library, and the types that the tests share.
//!
//! Every wait is bounded: if an event does not come before [`DEADLINE`], the test fails.

mod alone;
mod deadline;
pub mod death;
mod effort;
mod executor;
mod file_lock;
mod fork;
mod futex;
pub mod hostile;
pub mod intruder;
pub mod job;
pub mod ledger;
mod memory_group;
mod mounts;
mod name;
mod owner;
mod process;
mod python;
mod refusal;
mod refused_call;
mod robust_mutex;
mod segment_file;
mod skip;
pub mod stepper;
mod talk;
pub mod values;
mod worker;

pub use alone::alone;
pub use deadline::{AT_ONCE, DEADLINE, SHORT, eventually, in_time, longer_if_emulated};
pub use effort::{processor_time, processor_time_of_all};
pub use executor::block_on;
pub use file_lock::lock_bytes;
pub use fork::{Forked, end_now, fork, split};
pub use futex::Futex;
pub use memory_group::MemoryGroup;
pub use mounts::{mount_tmpfs, own_mounts, show_instead};
pub use name::{SegmentName, number_of_file};
pub use owner::held_elsewhere;
pub use process::Process;
pub use python::python_with;
pub use refusal::{ensure_printable, ensure_refusal};
pub use refused_call::{When, refuse};
pub use robust_mutex::{Protocol, RobustMutexes, Taken};
pub use segment_file::{CellFile, SegmentFile};
pub use skip::skip;
pub use talk::{await_line, say};
pub use worker::Worker;

/// Returns the first count in a release build, and the second with debug assertions, which make everything about ten times
/// slower.
pub const fn scaled(release: u64, debug: u64) -> u64 {
    if cfg!(debug_assertions) { debug } else { release }
}

/// Returns the count, or a tenth of it on an emulated machine.
pub const fn fewer_if_emulated(count: u64) -> u64 {
    if deadline::IS_EMULATED { count / 10 } else { count }
}

/// The programs of `docs/layout.md`, compiled and run as tests. They are tested here and not in the library, because the
/// library's published archive does not contain the page.
#[cfg(doctest)]
#[doc = include_str!("../../docs/layout.md")]
mod layout_page {}

/// The programs of `docs/python.md`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/python.md")]
mod python_page {}
