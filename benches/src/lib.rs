//! What `shared-value` costs, beside what one could take in its place, measured in one run.
//!
//! `cargo bench -p benches` measures the work of one process, by criterion. `cargo run --release -p benches -- compare`
//! measures everything, also the work between processes, and compares it with its budgets. A whole run also counts the
//! [`instructions`] of the work of one process, where valgrind is there.
//!
//! A [`Case`](case::Case) is a piece of work, and a [`Contestant`](case::Contestant) somebody who does it. Most of those
//! are a [`Subject`](subject::Subject): a value under some lock, of this library or another. Programs that cannot be a
//! part of this one, for their language or for what it takes to build them, are [`foreign`].

pub mod afresh;
pub mod budget;
pub mod case;
pub mod cases;
pub mod compare;
pub mod foreign;
pub mod handover;
pub mod instructions;
pub mod local;
pub mod locked;
pub mod payload;
pub mod progress;
pub mod region;
pub mod report;
pub mod role;
pub mod statistics;
pub mod stopwatch;
pub mod subject;
pub mod subjects;
