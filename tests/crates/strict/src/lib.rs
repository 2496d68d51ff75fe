//! A user of the derive macro who allows no warnings, no unsafe code and no implicit names, and has given the library
//! another name in `Cargo.toml`. That this compiles, also under clippy, is the test.
#![deny(warnings, missing_docs, unreachable_pub, clippy::pedantic)]
#![forbid(unsafe_code)]

pub mod bare;
pub mod kinds;
pub mod names;
pub mod places;
