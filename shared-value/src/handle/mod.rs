//! What programs hold: handles of values and locks, guards, and the options by which handles are made.

pub(crate) mod access;
pub(crate) mod accessible;
pub(crate) mod atomic;
pub(crate) mod elements;
pub(crate) mod guard;
mod handover;
pub(crate) mod host;
pub(crate) mod index;
pub(crate) mod initial;
mod initialize;
pub(crate) mod lock_object;
pub(crate) mod options;
pub(crate) mod part;
mod root;
#[cfg(feature = "serde")]
mod serialize;
pub(crate) mod shared;
pub(crate) mod synchronized;
pub(crate) mod view;
pub(crate) mod wait;
