//! The types that programs hold: handles of values and locks, guards, and the options that make handles.

pub(crate) mod access;
pub(crate) mod counter;
pub(crate) mod guard;
mod handover;
pub(crate) mod initial;
pub(crate) mod initialize;
pub(crate) mod lock_object;
pub(crate) mod options;
pub(crate) mod replace;
#[cfg(feature = "serde")]
mod serialize;
pub(crate) mod shared;
pub(crate) mod synchronized;
pub(crate) mod value_options;
pub(crate) mod wait;
