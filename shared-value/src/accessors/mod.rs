//! The functions for the parts of a value: fields, elements, atomic fields, nested parts. Handles, guards and parts get them
//! by `Deref`.
//!
//! `part.rs` holds the type of a nested part. The derive generates the functions with the names of fields, such as `in_x`:
//! `expand/accessors/in_slots.rs` in the derive's sources.

pub(crate) mod accessible;
pub(crate) mod atomic;
mod by_path;
pub(crate) mod counter;
pub(crate) mod elements;
pub(crate) mod host;
pub(crate) mod index;
pub(crate) mod part;
mod root;
pub(crate) mod view;
mod within;
