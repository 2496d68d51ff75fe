//! Versions of a struct that evolves.

pub mod misfits;
pub mod versions;
pub mod writer;
