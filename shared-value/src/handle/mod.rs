//! What programs hold: handles of values and locks, guards, and the functions for the parts of a value.

pub(crate) mod access;
pub(crate) mod accessors;
mod element;
pub(crate) mod guard;
pub(crate) mod index;
mod large;
pub(crate) mod lock_object;
pub(crate) mod options;
pub(crate) mod shared;
pub(crate) mod synchronized;
pub(crate) mod wait;
