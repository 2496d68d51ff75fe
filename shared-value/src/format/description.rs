//! `Description`: a program's description of a value, which new segments record and existing segments must match.

use crate::format::contents::{Shape, Typed};

/// The expected contents of a cell.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) schema: String,
    /// The hash of the schema.
    pub(crate) fingerprint: u64,
    pub(crate) shape: Shape,
}

impl Description {
    pub(crate) fn of<C: Typed + ?Sized>(shape: Shape) -> Self {
        Self { schema: C::schema(), fingerprint: C::FINGERPRINT, shape }
    }
}
