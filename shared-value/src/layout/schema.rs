//! Schemas: the layout of a type as a text, which a program without the type can read, and the hash of that text.
//!
//! The first line is the type. Then comes one line for each field at every depth, in the order of memory. After the fields
//! of a struct comes a line with the struct's size and alignment:
//! ```text
//! Account
//! balance: i64 @0
//! state: State(u8: Open=0, Frozen=1) @8
//! corners: [Point; 2] @16
//! corners[].x: f64 @16
//! corners[].y: f64 @24
//! corners[]: 16 bytes, align 8
//! requests: atomic u64 @48
//! Account: 56 bytes, align 8
//! little-endian
//! ```
//! A field that counts in lanes is written as `hits: lanes<16> u64 @8`. The size of a struct that evolves ends with `, evolves`. Offsets are in bytes from the start of the value. Below an array, they are those of its first element.
//!
//! If only the segment knows the length of an array, the schema describes the elements:
//! ```text
//! [Point]
//! [].x: f64 @0
//! [].y: f64 @8
//! []: 16 bytes, align 8
//! [Point]: 16 bytes each, align 8
//! little-endian
//! ```
//! The schema of an array whose length changes looks alike. Its type is `[Point; ..]`, or a newtype: `SharedString([u8; ..])`.

use crate::layout::text::Text;
use crate::layout::{Field, Kind, Layout};

/// The beginning of a schema that is written at compile time. Few schemas are longer.
pub(crate) type SchemaText = Text<1024>;

/// Returns the 64-bit FNV-1a hash of the schema.
pub(crate) const fn fingerprint(layout: &Layout) -> u64 {
    schema::<0>(layout, 0).hash()
}

/// Returns the hash of a schema that was read as a text.
pub(crate) fn text_fingerprint(schema: &str) -> u64 {
    let mut text = Text::<0>::from(0);
    text.text(schema);
    text.hash()
}

/// Returns the schema.
pub(crate) fn schema_text(layout: &Layout) -> String {
    collect(|start| schema::<WINDOW>(layout, start))
}

/// Returns the schema of an array of these elements. The length does not matter.
pub(crate) fn slice_schema_text(element: &Layout) -> String {
    collect(|start| slice_schema::<WINDOW>(element, start))
}

/// Returns the schema of a vector of these elements, in a newtype of this name unless it is empty.
pub(crate) fn vector_schema_text(name: &str, element: &Layout) -> String {
    collect(|start| vector_schema::<WINDOW>(name, element, start))
}

/// The bytes of a schema that are written at once.
const WINDOW: usize = 4096;

fn collect(write: impl Fn(usize) -> Text<WINDOW>) -> String {
    let mut bytes = Vec::new();
    loop {
        let schema = write(bytes.len());
        bytes.extend_from_slice(schema.window());
        if bytes.len() == schema.length() {
            return String::from_utf8(bytes).expect("names are UTF-8");
        }
    }
}

/// The path from the value to one of its parts, as a list that starts at its end.
enum Path<'a> {
    Value,
    Field(&'a Path<'a>, &'static str),
    Element(&'a Path<'a>),
}

/// Writes the schema of a value. The text keeps what comes from `start` on, as far as it fits.
pub(crate) const fn schema<const CAPACITY: usize>(layout: &Layout, start: usize) -> Text<CAPACITY> {
    let mut text = Text::from(start);
    write_type(&mut text, layout);
    text.byte(b'\n');
    write_parts(&mut text, layout, &Path::Value, 0);
    if !matches!(layout.kind(), Kind::Struct { .. }) {
        write_type(&mut text, layout);
        write_size(&mut text, layout);
    }
    write_byte_order(&mut text);
    text
}

/// Writes the schema of an array of these elements.
pub(crate) const fn slice_schema<const CAPACITY: usize>(element: &Layout, start: usize) -> Text<CAPACITY> {
    element.expect_no_counters();
    let mut text = Text::from(start);
    write_slice(&mut text, element);
    text.byte(b'\n');
    write_parts(&mut text, element, &Path::Element(&Path::Value), 0);
    write_slice(&mut text, element);
    write_element_size(&mut text, element);
    write_byte_order(&mut text);
    text
}

/// Writes the schema of a vector of these elements, in a newtype of this name unless it is empty.
pub(crate) const fn vector_schema<const CAPACITY: usize>(name: &str, element: &Layout, start: usize) -> Text<CAPACITY> {
    element.expect_no_counters();
    let mut text = Text::from(start);
    write_vector(&mut text, name, element);
    text.byte(b'\n');
    write_parts(&mut text, element, &Path::Element(&Path::Value), 0);
    write_vector(&mut text, name, element);
    write_element_size(&mut text, element);
    write_byte_order(&mut text);
    text
}

const fn write_element_size<const CAPACITY: usize>(text: &mut Text<CAPACITY>, element: &Layout) {
    text.text(": ");
    text.number(element.size());
    text.text(" bytes each, align ");
    text.number(element.align());
    text.byte(b'\n');
}

const fn write_vector<const CAPACITY: usize>(text: &mut Text<CAPACITY>, name: &str, element: &Layout) {
    if !name.is_empty() {
        text.text(name);
        text.byte(b'(');
    }
    text.byte(b'[');
    write_type(text, element);
    text.text("; ..]");
    if !name.is_empty() {
        text.byte(b')');
    }
}

const fn write_slice<const CAPACITY: usize>(text: &mut Text<CAPACITY>, element: &Layout) {
    text.byte(b'[');
    write_type(text, element);
    text.byte(b']');
}

const fn write_byte_order<const CAPACITY: usize>(text: &mut Text<CAPACITY>) {
    text.text(if cfg!(target_endian = "little") { "little-endian\n" } else { "big-endian\n" });
}

const fn write_type<const CAPACITY: usize>(text: &mut Text<CAPACITY>, layout: &Layout) {
    match layout.kind() {
        Kind::Scalar { .. } | Kind::Struct { .. } => text.text(layout.name()),
        Kind::Text => {
            text.text("FixedStr<");
            text.number(layout.size());
            text.byte(b'>');
        }
        Kind::Bytes => {
            text.text("bytes<");
            text.number(layout.size());
            text.text(", align ");
            text.number(layout.align());
            text.byte(b'>');
        }
        Kind::Reserved => {
            text.text("Reserved<");
            text.number(layout.size());
            text.byte(b'>');
        }
        Kind::Array { length, element } => {
            text.byte(b'[');
            write_type(text, element);
            text.text("; ");
            text.number(*length);
            text.byte(b']');
        }
        Kind::Newtype { inner } => {
            text.text(layout.name());
            text.byte(b'(');
            write_type(text, inner);
            text.byte(b')');
        }
        Kind::Enum { repr, variants } => {
            text.text(layout.name());
            text.byte(b'(');
            text.text(repr.name());
            text.byte(b':');
            let mut index = 0;
            while index < variants.len() {
                text.text(if index == 0 { " " } else { ", " });
                text.text(variants[index].name());
                text.byte(b'=');
                text.signed(variants[index].discriminant());
                index += 1;
            }
            text.byte(b')');
        }
    }
}

const fn write_parts<const CAPACITY: usize>(text: &mut Text<CAPACITY>, layout: &Layout, path: &Path<'_>, base: usize) {
    match layout.kind() {
        Kind::Struct { fields } => {
            let mut index = 0;
            while index < fields.len() {
                write_field(text, layout.lanes(), &fields[index], path, base);
                index += 1;
            }
            match path {
                Path::Value => text.text(layout.name()),
                _ => write_path(text, path),
            }
            write_size(text, layout);
        }
        Kind::Array { element, .. } => write_parts(text, element, &Path::Element(path), base),
        Kind::Newtype { inner } => write_parts(text, inner, path, base),
        Kind::Scalar { .. } | Kind::Text | Kind::Bytes | Kind::Reserved | Kind::Enum { .. } => {}
    }
}

const fn write_field<const CAPACITY: usize>(
    text: &mut Text<CAPACITY>,
    lanes: usize,
    field: &Field,
    parent: &Path<'_>,
    base: usize,
) {
    let path = Path::Field(parent, field.name());
    let offset = base + field.offset();
    write_path(text, &path);
    text.text(if field.is_atomic() { ": atomic " } else { ": " });
    if field.is_counter() {
        text.text("lanes<");
        text.number(lanes);
        text.text("> ");
    }
    write_type(text, field.layout());
    if let Some(typecode) = field.typecode() {
        text.text(" as ");
        text.text(typecode);
    }
    text.text(" @");
    text.number(offset);
    text.byte(b'\n');
    write_parts(text, field.layout(), &path, offset);
}

const fn write_path<const CAPACITY: usize>(text: &mut Text<CAPACITY>, path: &Path<'_>) {
    match path {
        Path::Value => {}
        Path::Field(Path::Value, name) => text.text(name),
        Path::Field(parent, name) => {
            write_path(text, parent);
            text.byte(b'.');
            text.text(name);
        }
        Path::Element(parent) => {
            write_path(text, parent);
            text.text("[]");
        }
    }
}

const fn write_size<const CAPACITY: usize>(text: &mut Text<CAPACITY>, layout: &Layout) {
    text.text(": ");
    text.number(layout.size());
    text.text(" bytes, align ");
    text.number(layout.align());
    if layout.evolves() {
        text.text(", evolves");
    }
    text.byte(b'\n');
}
