//! What each language needs to know of a layout.

use shared_value::{DynKind, DynLayout};

/// Returns the fingerprint of a layout: the 64-bit FNV-1a hash of its schema.
pub(crate) fn fingerprint(layout: &DynLayout) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    layout.to_string().bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Returns the layout of the elements, if the length of the value is not part of its type.
pub(crate) fn element_of(layout: &DynLayout) -> Option<&DynLayout> {
    if let DynKind::Slice { element } = layout.kind() { Some(element) } else { vector_element_of(layout) }
}

/// Returns the layout of the elements, if the length of the value changes.
pub(crate) fn vector_element_of(layout: &DynLayout) -> Option<&DynLayout> {
    match layout.kind() {
        DynKind::Vector { element } => Some(element),
        DynKind::Newtype { inner } => vector_element_of(inner),
        _ => None,
    }
}

/// An atomic field of the value itself, whose words lie outside of the slots.
pub(crate) struct AtomicField {
    pub(crate) offset: usize,
    /// The bytes of one element.
    pub(crate) size: usize,
    /// The first of its words.
    pub(crate) word: usize,
    /// The number of its words.
    pub(crate) count: usize,
    /// Whether each word is a truth value.
    pub(crate) is_bool: bool,
}

/// Lists the atomic fields of the value itself.
pub(crate) fn atomic_fields(layout: &DynLayout) -> Vec<AtomicField> {
    let DynKind::Struct { fields } = layout.kind() else { return Vec::new() };
    let mut word = 0;
    let mut found = Vec::new();
    for field in fields.iter().filter(|field| field.is_atomic()) {
        let (element, count) = match field.layout().kind() {
            DynKind::Array { length, element } => (&**element, *length),
            _ => (field.layout(), 1),
        };
        let is_bool = matches!(element.kind(), DynKind::Bool);
        let (offset, size) = (field.offset(), element.size());
        found.push(AtomicField { offset, size, word, count, is_bool });
        word += count;
    }
    found
}
