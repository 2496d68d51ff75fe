//! Checks bytes against a layout, in place.

use crate::dynamic::decode;
use crate::error::Error;
use crate::layout::{first_invalid_byte, sign_extended, zero_extended};
use crate::schema::place::Way;
use crate::schema::{DynKind, DynLayout};

/// Checks that the bytes are a value of the layout. Arrays of numbers need no look at the bytes.
///
/// # Errors
/// `InvalidBits` with the first part that has no such value.
pub(super) fn check(layout: &DynLayout, bytes: &[u8], way: &Way<'_>) -> Result<(), Error> {
    match &layout.kind {
        DynKind::Array { element, .. } | DynKind::Slice { element } => check_elements(element, bytes, way, 0),
        DynKind::Newtype { inner } => check(inner, bytes, way),
        DynKind::Struct { fields } => fields.iter().try_for_each(|field| {
            check(&field.layout, &bytes[field.offset..][..field.layout.size], &Way::Field(way, &field.name))
        }),
        _ if is_valid(layout, bytes) => Ok(()),
        _ => decode::part(layout, bytes, *way).map(drop),
    }
}

/// Checks that the bytes are elements of an array, of which the first has the index `first`.
pub(super) fn check_elements(element: &DynLayout, bytes: &[u8], way: &Way<'_>, first: usize) -> Result<(), Error> {
    let element = innermost(element);
    if !element.is_checked() || element.kind == DynKind::Bool && bytes.iter().all(|byte| *byte <= 1) {
        return Ok(());
    }
    let mut elements = (first..).zip(bytes.chunks_exact(element.size));
    elements.try_for_each(|(index, bytes)| check(element, bytes, &Way::Element(way, index)))
}

/// Returns whether the bytes are a value of a type without parts.
fn is_valid(layout: &DynLayout, bytes: &[u8]) -> bool {
    match &layout.kind {
        DynKind::Bool => zero_extended(bytes) <= 1,
        DynKind::Char => u32::try_from(zero_extended(bytes)).is_ok_and(|code| char::from_u32(code).is_some()),
        DynKind::Nonzero { .. } => zero_extended(bytes) != 0,
        DynKind::Text => first_invalid_byte(bytes).is_none(),
        DynKind::Enum { repr, .. } if repr.kind == (DynKind::Integer { is_signed: true }) => {
            layout.variant(sign_extended(bytes).into()).is_some()
        }
        DynKind::Enum { .. } => layout.variant(zero_extended(bytes).into()).is_some(),
        _ => true,
    }
}

/// Returns the layout under all newtypes.
fn innermost(layout: &DynLayout) -> &DynLayout {
    if let DynKind::Newtype { inner } = &layout.kind { innermost(inner) } else { layout }
}
