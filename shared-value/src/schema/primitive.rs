//! The primitives, by their names in schemas, and the bits of their bytes.

use crate::schema::{DynKind, DynLayout};

const SIGNED: DynKind = DynKind::Integer { is_signed: true };
const UNSIGNED: DynKind = DynKind::Integer { is_signed: false };
const NON_ZERO_SIGNED: DynKind = DynKind::Nonzero { is_signed: true };
const NON_ZERO_UNSIGNED: DynKind = DynKind::Nonzero { is_signed: false };
const OPTIONAL_SIGNED: DynKind = DynKind::Optional { is_signed: true };
const OPTIONAL_UNSIGNED: DynKind = DynKind::Optional { is_signed: false };

/// The name, the size and the kind of each; the alignment is the size.
static SCALARS: [(&str, usize, DynKind); 34] = [
    ("i8", 1, SIGNED),
    ("i16", 2, SIGNED),
    ("i32", 4, SIGNED),
    ("i64", 8, SIGNED),
    ("isize", 8, SIGNED),
    ("u8", 1, UNSIGNED),
    ("u16", 2, UNSIGNED),
    ("u32", 4, UNSIGNED),
    ("u64", 8, UNSIGNED),
    ("usize", 8, UNSIGNED),
    ("f32", 4, DynKind::Float),
    ("f64", 8, DynKind::Float),
    ("bool", 1, DynKind::Bool),
    ("char", 4, DynKind::Char),
    ("NonZeroI8", 1, NON_ZERO_SIGNED),
    ("NonZeroI16", 2, NON_ZERO_SIGNED),
    ("NonZeroI32", 4, NON_ZERO_SIGNED),
    ("NonZeroI64", 8, NON_ZERO_SIGNED),
    ("NonZeroIsize", 8, NON_ZERO_SIGNED),
    ("NonZeroU8", 1, NON_ZERO_UNSIGNED),
    ("NonZeroU16", 2, NON_ZERO_UNSIGNED),
    ("NonZeroU32", 4, NON_ZERO_UNSIGNED),
    ("NonZeroU64", 8, NON_ZERO_UNSIGNED),
    ("NonZeroUsize", 8, NON_ZERO_UNSIGNED),
    ("Option<NonZeroI8>", 1, OPTIONAL_SIGNED),
    ("Option<NonZeroI16>", 2, OPTIONAL_SIGNED),
    ("Option<NonZeroI32>", 4, OPTIONAL_SIGNED),
    ("Option<NonZeroI64>", 8, OPTIONAL_SIGNED),
    ("Option<NonZeroIsize>", 8, OPTIONAL_SIGNED),
    ("Option<NonZeroU8>", 1, OPTIONAL_UNSIGNED),
    ("Option<NonZeroU16>", 2, OPTIONAL_UNSIGNED),
    ("Option<NonZeroU32>", 4, OPTIONAL_UNSIGNED),
    ("Option<NonZeroU64>", 8, OPTIONAL_UNSIGNED),
    ("Option<NonZeroUsize>", 8, OPTIONAL_UNSIGNED),
];

/// Returns the layout of the primitive of this name.
pub(crate) fn scalar(name: &str) -> Option<DynLayout> {
    let (name, size, kind) = SCALARS.iter().find(|(known, ..)| *known == name)?;
    Some(DynLayout::new(*name, *size, *size, kind.clone()))
}

/// Sets up to eight bytes to the low bytes of a number.
pub(crate) fn put(bytes: &mut [u8], bits: u64) {
    let place = place(bytes.len());
    bytes.copy_from_slice(&bits.to_ne_bytes()[place]);
}

/// Returns the place of the low bytes of a word.
fn place(length: usize) -> std::ops::Range<usize> {
    if cfg!(target_endian = "little") { 0..length } else { 8 - length..8 }
}

/// Returns the numbers that an integer of this size can hold.
pub(crate) fn range(size: usize, is_signed: bool) -> std::ops::RangeInclusive<i128> {
    let bits = 8 * size;
    if is_signed { -(1 << (bits - 1))..=(1 << (bits - 1)) - 1 } else { 0..=(1 << bits) - 1 }
}
