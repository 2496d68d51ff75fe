//! The bytes of a value that belong to no field: padding, and bytes that are reserved for other versions.

use crate::schema::{DynKind, DynLayout};

/// Sets all bytes that belong to no field to zero.
pub(super) fn clear(layout: &DynLayout, bytes: &mut [u8]) {
    match &layout.kind {
        DynKind::Reserved => bytes.fill(0),
        DynKind::Array { element, .. } | DynKind::Slice { element } if element.has_gaps() => {
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
