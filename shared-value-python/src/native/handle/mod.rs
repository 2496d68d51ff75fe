//! Handles: reading, changing, locking, waiting.

pub(crate) mod atomic;
pub(crate) mod counter;
pub(crate) mod fields;
pub(crate) mod holds;
pub(crate) mod methods;
pub(crate) mod root;
pub(crate) mod runner;
pub(crate) mod value;
pub(crate) mod wait;
pub(crate) mod waiting;
