//! The bytes of a value that belong to no field: padding, and bytes that are reserved for other versions.

use crate::schema::{DynKind, DynLayout};

/// Returns whether some bytes belong to no field.
pub(super) fn has_any(layout: &DynLayout) -> bool {
    match &layout.kind {
        DynKind::Reserved => true,
        DynKind::Array { element, .. } | DynKind::Slice { element } => has_any(element),
        DynKind::Newtype { inner } => has_any(inner),
        DynKind::Struct { fields } => {
            let used: usize = fields.iter().map(|field| field.layout.size).sum();
            used < layout.size || fields.iter().any(|field| has_any(&field.layout))
        }
        _ => false,
    }
}

/// Sets all bytes that belong to no field to zero.
pub(super) fn clear(layout: &DynLayout, bytes: &mut [u8]) {
    match &layout.kind {
        DynKind::Reserved => bytes.fill(0),
        DynKind::Array { element, .. } | DynKind::Slice { element } if has_any(element) => {
            bytes.chunks_exact_mut(element.size).for_each(|bytes| clear(element, bytes));
        }
        DynKind::Newtype { inner } => clear(inner, bytes),
        DynKind::Struct { fields } => {
            let mut end = 0;
            for field in fields {
                bytes[end..field.offset].fill(0);
                end = field.offset + field.layout.size;
                clear(&field.layout, &mut bytes[field.offset..end]);
            }
            bytes[end..].fill(0);
        }
        _ => {}
    }
}
