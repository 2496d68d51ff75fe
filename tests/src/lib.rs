//! What the integration tests of `shared-value` are made of: child processes that can be killed at a known point, names
//! that clean up after themselves, forks, robust mutexes of the C library, and the types that the tests share.
//!
//! Nothing here waits for ever: whatever does not happen before [`DEADLINE`] fails the test.

mod deadline;
mod fork;
pub mod hostile;
pub mod intruder;
pub mod job;
pub mod ledger;
mod name;
mod python;
mod robust_mutex;
mod segment_file;
pub mod stepper;
mod talk;
pub mod values;
mod worker;

pub use deadline::{AT_ONCE, DEADLINE, SHORT, eventually, in_time};
pub use fork::{Forked, end_now, fork, split};
pub use name::SegmentName;
pub use python::python_with_numpy;
pub use robust_mutex::{Protocol, RobustMutexes, Taken};
pub use segment_file::{CellFile, SegmentFile};
pub use talk::{await_line, say};
pub use worker::Worker;

/// So many in a release build, so many with debug assertions, where everything is about ten times slower.
pub const fn scaled(release: u64, debug: u64) -> u64 {
    if cfg!(debug_assertions) { debug } else { release }
}

/// The programs of `docs/layout.md`, compiled and run as tests. They are tested here because this package is not
/// published: the page would be missing in an archive of the library.
#[cfg(doctest)]
#[doc = include_str!("../../docs/layout.md")]
mod layout {}

/// The programs of `docs/python.md`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/python.md")]
mod python {}
