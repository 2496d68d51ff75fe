//! Measures what `shared-value` costs next to its peers, in one run.
//!
//! - `cargo run --release -p benches -- compare` measures all cases, also those with several processes, and compares the results
//!   with the [budgets](compare::budget). A full run also counts [`instructions`](compare::instructions) if valgrind is
//!   installed.
//! - `cargo bench -p benches` measures the work of one process with criterion.
//!
//! A [`Case`](measure::Case) is a piece of work that several [contestants](measure::Contestant) do. Most contestants use a
//! [`Subject`](subjects::Subject): a value behind a lock, of this library or another. Peers that cannot be linked into this
//! program, because of their language or because they take long to build, are programs of their own in `peers/`.

pub mod cases;
pub mod compare;
pub mod measure;
pub mod process;
pub mod report;
pub mod subjects;
