//! A strict user of the derive macro: no warnings, no unsafe code, no implicit names, and another name for the library in
//! `Cargo.toml`. The test is that this compiles, also under clippy.
#![deny(warnings, missing_docs, unreachable_pub, clippy::pedantic)]
#![forbid(unsafe_code)]

pub mod bare;
pub mod kinds;
pub mod lints;
pub mod names;
pub mod places;
