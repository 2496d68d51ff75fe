//! Names the part of a value at a byte offset, for errors.

use core::fmt::Write as _;

use crate::layout::{Kind, Layout};

/// Returns the innermost part that covers the byte at `offset`: its path, such as `corners[1].kind`, its layout and its
/// offset.
///
/// For a value without fields, the path is the name of its type.
pub(crate) fn part_at(layout: &'static Layout, offset: usize) -> (String, &'static Layout, usize) {
    let mut name = String::new();
    let (part, start) = descend(layout, 0, offset, &mut name);
    if name.is_empty() {
        part.name().clone_into(&mut name);
    }
    (name, part, start)
}

fn descend(layout: &'static Layout, start: usize, offset: usize, name: &mut String) -> (&'static Layout, usize) {
    match layout.kind() {
        Kind::Struct { fields } => {
            let field = fields.iter().find(|field| {
                let field_start = start + field.offset();
                (field_start..field_start + field.layout().size()).contains(&offset)
            });
            let Some(field) = field else {
                return (layout, start);
            };
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(field.name());
            descend(field.layout(), start + field.offset(), offset, name)
        }
        Kind::Array { element, .. } => {
            let index = (offset - start) / element.size();
            write!(name, "[{index}]").expect("a String takes all text");
            descend(element, start + index * element.size(), offset, name)
        }
        Kind::Newtype { inner } => descend(inner, start, offset, name),
        Kind::Scalar { .. } | Kind::Text | Kind::Bytes | Kind::Reserved | Kind::Enum { .. } => (layout, start),
    }
}
