//! Dynamic values as plain bytes: read and written as a whole, without a `DynData` for each part.

mod accessors;
mod check;
mod padding;
mod run;

use crate::dynamic::bytes::run::Run;
use crate::error::Error;
use crate::schema::DynLayout;
use crate::schema::place::Place;

/// Returns the bytes of a new value of this layout as its slots hold them: with zeros for padding and reserved bytes.
///
/// # Errors
/// `InvalidBits` if the bytes are not a value of the layout.
pub(super) fn initial(layout: &DynLayout, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let run = Run::of(Place::of_value(layout));
    run.check(bytes, "")?;
    Ok(run.cleaned(bytes).into_owned())
}
