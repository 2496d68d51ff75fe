//! Writes layouts as schemas.
//!
//! `layout/schema.rs` writes the same text for types at compile time, where the tools used here are not available. Tests
//! compare the two.

use std::fmt::{self, Display, Formatter};

use crate::schema::{DynKind, DynLayout};

/// A type in the notation of schemas.
pub(crate) struct Type<'a>(pub(crate) &'a DynLayout);

impl Display for Type<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let layout = self.0;
        let name = layout.name();
        match layout.kind() {
            DynKind::Text => write!(formatter, "FixedStr<{}>", layout.size),
            DynKind::Bytes => {
                write!(formatter, "bytes<{}, align {}>", layout.size, layout.align)?;
                match &layout.typecode {
                    Some(typecode) => write!(formatter, " as {}", typecode.text),
                    None => Ok(()),
                }
            }
            DynKind::Reserved => write!(formatter, "Reserved<{}>", layout.size),
            DynKind::Array { length, element } => write!(formatter, "[{}; {length}]", Type(element)),
            DynKind::Slice { element } => write!(formatter, "[{}]", Type(element)),
            DynKind::Vector { element } => write!(formatter, "[{}; ..]", Type(element)),
            DynKind::Newtype { inner } => write!(formatter, "{name}({})", Type(inner)),
            DynKind::Enum { repr, variants } => {
                write!(formatter, "{name}({}: ", repr.name)?;
                for (index, variant) in variants.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(formatter, "{separator}{}={}", variant.name, variant.number)?;
                }
                formatter.write_str(")")
            }
            // A struct in a typecode has no name.
            DynKind::Struct { .. } if name.is_empty() => formatter.write_str("struct"),
            DynKind::Struct { .. }
            | DynKind::Bool
            | DynKind::Char
            | DynKind::Float
            | DynKind::Integer { .. }
            | DynKind::Nonzero { .. }
            | DynKind::Optional { .. } => formatter.write_str(name),
        }
    }
}

impl DynLayout {
    /// Returns the type in the notation of schemas: `[Point; 2]`, `State(u8: Open=0, Frozen=1)`.
    pub fn type_text(&self) -> String {
        Type(self).to_string()
    }
}

/// Writes the schema of a value of this layout.
impl Display for DynLayout {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", Type(self))?;
        write_parts(formatter, self, &mut String::new(), 0)?;
        match (self.kind(), self.unsized_element()) {
            (DynKind::Struct { .. }, _) => {}
            (_, Some(element)) => {
                writeln!(formatter, "{}: {} bytes each, align {}", Type(self), element.size, element.align)?;
            }
            _ => writeln!(formatter, "{}: {} bytes, align {}", Type(self), self.size, self.align)?,
        }
        formatter.write_str(if cfg!(target_endian = "little") { "little-endian\n" } else { "big-endian\n" })
    }
}

fn write_parts(formatter: &mut Formatter<'_>, layout: &DynLayout, path: &mut String, base: usize) -> fmt::Result {
    let before = path.len();
    match layout.kind() {
        DynKind::Struct { fields } => {
            for field in fields {
                if before > 0 {
                    path.push('.');
                }
                path.push_str(&field.name);
                let offset = base + field.offset;
                let outside = match (field.is_atomic, field.is_counter) {
                    (true, _) => "atomic ".to_owned(),
                    (_, true) => format!("lanes<{}> ", layout.lanes),
                    _ => String::new(),
                };
                writeln!(formatter, "{path}: {outside}{} @{offset}", Type(&field.layout))?;
                write_parts(formatter, &field.layout, path, offset)?;
                path.truncate(before);
            }
            let what = if before == 0 { layout.name() } else { path };
            let evolves = if layout.evolves { ", evolves" } else { "" };
            writeln!(formatter, "{what}: {} bytes, align {}{evolves}", layout.size, layout.align)
        }
        DynKind::Array { element, .. } | DynKind::Slice { element } | DynKind::Vector { element } => {
            path.push_str("[]");
            write_parts(formatter, element, path, base)?;
            path.truncate(before);
            Ok(())
        }
        DynKind::Newtype { inner } => write_parts(formatter, inner, path, base),
        _ => Ok(()),
    }
}
