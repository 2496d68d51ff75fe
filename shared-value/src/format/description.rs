//! `Description`: what a program says of a value, for segments to record or to be compared with.

use crate::format::contents::{Shape, Typed};

/// What a cell is to hold.
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
