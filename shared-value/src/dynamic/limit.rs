//! Limits the size of one read or write: a schema of a few bytes can describe a value that is larger than all memory.

use crate::error::Error;
use crate::schema::{DynKind, DynLayout};

/// The most bytes.
const BYTES: usize = 64 << 20;
/// The most numbers, texts and so on: each takes about 100 bytes as data.
const LEAVES: usize = 4 << 20;

/// Checks that a part is small enough to be read or written as a whole.
///
/// # Errors
/// `Unsupported` if the part is too large.
pub(crate) fn check(layout: &DynLayout) -> Result<(), Error> {
    if layout.size <= BYTES && leaves(layout) <= LEAVES {
        return Ok(());
    }
    Err(Error::Unsupported { what: "more than 64 MiB or 4 million numbers at once: ask for parts of the value" })
}

fn leaves(layout: &DynLayout) -> usize {
    match layout.kind() {
        DynKind::Array { length, element } => leaves(element).saturating_mul(*length),
        DynKind::Newtype { inner } => leaves(inner),
        DynKind::Bytes => layout.meaning().map_or(1, leaves),
        DynKind::Struct { fields } => fields.iter().map(|field| leaves(&field.layout)).fold(0, usize::saturating_add),
        _ => 1,
    }
}
