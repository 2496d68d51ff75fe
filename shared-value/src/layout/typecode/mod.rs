//! Writes typecodes: the layout of a type in the notation of Python's buffer protocol (PEP 3118).
//!
//! Numbers carry the byte order. Single bytes do so only if they come first: a typecode without a sign at the start would
//! have C's own alignment.

mod bits;
pub(crate) mod half;
mod item;
mod measure;
mod number;

use core::marker::PhantomData;

use crate::layout::text::Text;
use crate::layout::{Kind, Layout, SharedValue};

pub(crate) use bits::{sign_extended, zero_extended};
pub(crate) use item::Item;
pub(crate) use measure::measure;
pub(crate) use number::CodedNumber;

const BYTE_ORDER: u8 = if cfg!(target_endian = "little") { b'<' } else { b'>' };

/// Returns the typecode of a type.
///
/// # Panics
/// If it is longer than 32 KiB. In a constant, that is an error of compilation.
pub(crate) const fn of<T: SharedValue>() -> &'static str {
    // The length of an array cannot depend on a type parameter, so the text lies in the smallest of a few buffers.
    let length = typecode::<0>(T::LAYOUT).length();
    if length <= 128 {
        In::<T, 128>::TEXT.as_str()
    } else if length <= 1024 {
        In::<T, 1024>::TEXT.as_str()
    } else if length <= 32 * 1024 {
        In::<T, { 32 * 1024 }>::TEXT.as_str()
    } else {
        panic!("the typecode of this type is longer than 32 KiB: split the struct")
    }
}

struct In<T, const CAPACITY: usize>(PhantomData<T>);

impl<T: SharedValue, const CAPACITY: usize> In<T, CAPACITY> {
    const TEXT: &'static Text<CAPACITY> = &typecode(T::LAYOUT);
}

const fn typecode<const CAPACITY: usize>(layout: &Layout) -> Text<CAPACITY> {
    let mut text = Text::from(0);
    write(&mut text, layout, false);
    text
}

/// Writes a typecode; `ordered` says that a sign of the byte order already stands to the left.
const fn write<const CAPACITY: usize>(text: &mut Text<CAPACITY>, layout: &Layout, ordered: bool) {
    match layout.kind() {
        Kind::Scalar { code, .. } => {
            if layout.size() > 1 || !ordered {
                text.byte(BYTE_ORDER);
            }
            text.byte(*code as u8);
        }
        Kind::Text => {
            text.number(layout.size());
            text.byte(b's');
        }
        Kind::Reserved => padding(text, layout.size()),
        Kind::Enum { repr, .. } => write(text, repr, ordered),
        Kind::Newtype { inner } => write(text, inner, ordered),
        // The notation has no arrays of arrays: the dimensions of elements, and raw bytes, join those of the array.
        Kind::Array { .. } | Kind::Bytes => {
            let mut separator = b'(';
            let mut part = layout;
            while let Some((length, element)) = dimension(part) {
                text.byte(separator);
                text.number(length);
                separator = b',';
                part = element;
            }
            if let Some(bytes) = raw_bytes(part) {
                text.byte(separator);
                text.number(bytes);
                text.text(")B");
            } else {
                text.byte(b')');
                write(text, part, ordered);
            }
        }
        Kind::Struct { fields } => {
            text.byte(b'T');
            text.byte(b'{');
            let mut end = 0;
            let mut ordered = false;
            let mut index = 0;
            while index < fields.len() {
                let field = &fields[index];
                index += 1;
                if field.layout().is_reserved() {
                    continue;
                }
                padding(text, field.offset() - end);
                match field.typecode() {
                    Some(typecode) => text.text(typecode),
                    None => write(text, field.layout(), ordered),
                }
                text.byte(b':');
                text.text(field.name());
                text.byte(b':');
                ordered = true;
                end = field.offset() + field.layout().size();
            }
            padding(text, layout.size() - end);
            text.byte(b'}');
        }
    }
}

/// Returns the length and the element of an array. Looks through newtypes.
const fn dimension(layout: &Layout) -> Option<(usize, &Layout)> {
    match layout.kind() {
        Kind::Array { length, element } => Some((*length, element)),
        Kind::Newtype { inner } => dimension(inner),
        _ => None,
    }
}

/// Returns the size of bytes that the library does not look into. Looks through newtypes.
const fn raw_bytes(layout: &Layout) -> Option<usize> {
    match layout.kind() {
        Kind::Bytes => Some(layout.size()),
        Kind::Newtype { inner } => raw_bytes(inner),
        _ => None,
    }
}

const fn padding<const CAPACITY: usize>(text: &mut Text<CAPACITY>, bytes: usize) {
    if bytes == 0 {
        return;
    }
    if bytes > 1 {
        text.number(bytes);
    }
    text.byte(b'x');
}
