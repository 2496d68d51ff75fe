//! Prints a value from its bytes and its layout alone, so that `Debug` does not need the type.

use core::fmt::{self, Debug, Formatter};

use crate::layout::metadata::Form;
use crate::layout::typecode::CodedNumber;
use crate::layout::typecode::Item;
use crate::layout::typecode::{sign_extended, zero_extended};
use crate::layout::{Field, Kind, Layout, SharedDuration, Timestamp};

/// The bytes of a value, printed as the value's own `Debug` would.
pub(crate) struct Printed<'a> {
    pub(crate) layout: &'static Layout,
    pub(crate) bytes: &'a [u8],
}

/// The bytes of a field, printed by the typecode that its author wrote for it, if there is one.
struct PrintedField<'a> {
    field: &'static Field,
    bytes: &'a [u8],
}

/// Bytes that a typecode describes.
struct PrintedItem<'a> {
    item: &'a Item,
    bytes: &'a [u8],
}

impl<'a> Printed<'a> {
    fn part(&self, layout: &'static Layout, offset: usize) -> Printed<'a> {
        Printed { layout, bytes: &self.bytes[offset..][..layout.size()] }
    }

    fn field(&self, field: &'static Field) -> PrintedField<'a> {
        PrintedField { field, bytes: self.part(field.layout(), field.offset()).bytes }
    }

    fn number(&self, code: char, formatter: &mut Formatter<'_>) -> fmt::Result {
        let number = CodedNumber { code, bytes: self.bytes };
        if !self.layout.name().starts_with("Option<") {
            number.fmt(formatter)
        } else if zero_extended(self.bytes) == 0 {
            formatter.write_str("None")
        } else {
            formatter.debug_tuple("Some").field(&number).finish()
        }
    }

    fn structure(&self, fields: &'static [Field], formatter: &mut Formatter<'_>) -> fmt::Result {
        if let (Form::Option, [is_some, value]) = (self.layout.form(), fields) {
            return match self.field(is_some).bytes {
                [0] => formatter.write_str("None"),
                [1] => formatter.debug_tuple("Some").field(&self.field(value)).finish(),
                // The process that wrote these bits did not use this library.
                _ => formatter.debug_tuple("<invalid bool>").field(&self.field(value)).finish(),
            };
        }
        let mut printed = formatter.debug_struct(self.layout.name());
        for field in fields {
            printed.field(field.name(), &self.field(field));
        }
        printed.finish()
    }

    fn newtype(&self, inner: &'static Layout, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self.layout.form() {
            Form::Duration => SharedDuration::from_nanos(sign_extended(self.bytes)).fmt(formatter),
            Form::Timestamp => Timestamp::from_nanos(sign_extended(self.bytes)).fmt(formatter),
            _ => formatter.debug_tuple(self.layout.name()).field(&self.part(inner, 0)).finish(),
        }
    }
}

impl Debug for Printed<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self.layout.kind() {
            Kind::Scalar { code, .. } => self.number(*code, formatter),
            Kind::Text => print_text(self.bytes, formatter),
            Kind::Bytes => self.bytes.fmt(formatter),
            Kind::Reserved => formatter.write_str(self.layout.name()),
            Kind::Array { element, .. } => {
                let elements = self.bytes.chunks_exact(element.size());
                formatter.debug_list().entries(elements.map(|bytes| Printed { layout: element, bytes })).finish()
            }
            Kind::Newtype { inner } => self.newtype(inner, formatter),
            Kind::Struct { fields } => self.structure(fields, formatter),
            Kind::Enum { repr, variants } => {
                let code = if let Kind::Scalar { code, .. } = repr.kind() { *code } else { 'Q' };
                let discriminant = CodedNumber { code, bytes: self.bytes }.integer();
                match variants.iter().find(|variant| variant.discriminant() == discriminant) {
                    Some(variant) => formatter.write_str(variant.name()),
                    None => write!(formatter, "<invalid {} {discriminant}>", self.layout.name()),
                }
            }
        }
    }
}

impl Debug for PrintedField<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self.field.typecode().map(Item::parse) {
            Some(Ok(item)) => PrintedItem { item: &item, bytes: self.bytes }.fmt(formatter),
            _ => Printed { layout: self.field.layout(), bytes: self.bytes }.fmt(formatter),
        }
    }
}

impl Debug for PrintedItem<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self.item {
            Item::Number { code, .. } => CodedNumber { code: *code, bytes: self.bytes }.fmt(formatter),
            Item::Text(_) => print_text(self.bytes, formatter),
            Item::Padding(_) => self.bytes.fmt(formatter),
            Item::Array { length, element } => {
                let size = element.size();
                let elements = (0..*length).map(|index| &self.bytes[index * size..][..size]);
                formatter.debug_list().entries(elements.map(|bytes| PrintedItem { item: element, bytes })).finish()
            }
            Item::Struct(fields) => {
                let mut rest = self.bytes;
                let mut printed = formatter.debug_map();
                for (name, item) in fields {
                    let (bytes, behind) = rest.split_at(item.size());
                    rest = behind;
                    if !matches!(item, Item::Padding(_)) {
                        printed.entry(&format_args!("{name}"), &PrintedItem { item, bytes });
                    }
                }
                printed.finish()
            }
        }
    }
}

/// Prints the bytes before the first NUL as text.
fn print_text(bytes: &[u8], formatter: &mut Formatter<'_>) -> fmt::Result {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).fmt(formatter)
}
