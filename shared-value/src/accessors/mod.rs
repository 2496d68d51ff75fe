//! The functions for the parts of a value: fields, elements, atomic fields, nested parts. Handles, guards and parts get them
//! by `Deref`.

pub(crate) mod accessible;
pub(crate) mod atomic;
pub(crate) mod elements;
pub(crate) mod host;
pub(crate) mod index;
pub(crate) mod part;
mod root;
pub(crate) mod view;
