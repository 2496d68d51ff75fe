//! How much of a value is read at once: a schema of a few bytes can describe more than there is memory for.

use crate::dynamic::{DynKind, DynLayout};
use crate::error::Error;

/// The most bytes.
const BYTES: usize = 64 << 20;
/// The most numbers, texts and so on, each of which takes some 100 bytes when it stands alone.
const LEAVES: usize = 4 << 20;

/// Whether a part is small enough to be read or written as a whole.
pub(super) fn check(layout: &DynLayout) -> Result<(), Error> {
    if layout.size <= BYTES && leaves(layout) <= LEAVES {
        return Ok(());
    }
    Err(Error::Unsupported { what: "more than 64 MiB or 4 million numbers at once: ask for parts of the value" })
}

fn leaves(layout: &DynLayout) -> usize {
    match layout.kind() {
        DynKind::Array { length, element } => leaves(element).saturating_mul(*length),
        DynKind::Newtype { inner } => leaves(inner),
        DynKind::Struct { fields } => fields.iter().map(|field| leaves(&field.layout)).fold(0, usize::saturating_add),
        _ => 1,
    }
}
