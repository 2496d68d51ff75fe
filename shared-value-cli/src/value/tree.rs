//! A value as a tree: each part with its type.

use shared_value::{DynData, DynKind, DynLayout};

use crate::failure::Result;
use crate::output::{Ink, Output};

/// How much of a value is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most elements of an array.
    pub(crate) elements: usize,
}

/// Prints a part, and its own parts below it.
pub(crate) fn tree(output: &mut Output, label: &str, layout: &DynLayout, data: &DynData, limits: Limits) -> Result<()> {
    Tree { output, limits }.part(0, label, layout, "", data)
}

struct Tree<'a> {
    output: &'a mut Output,
    limits: Limits,
}

impl Tree<'_> {
    fn part(&mut self, depth: usize, label: &str, layout: &DynLayout, outside: &str, data: &DynData) -> Result<()> {
        let name = self.output.ink(Ink::Name, label);
        let kind = self.output.ink(Ink::Faint, &format!("{outside}{}", type_text(layout)));
        let heading = format!("{}{name}: {kind}", "  ".repeat(depth));
        let (inner, data) = (inside(layout), inside_data(data));
        match (inner.kind(), data) {
            (DynKind::Struct { fields }, DynData::Struct { fields: parts, .. }) => {
                self.output.line(&heading)?;
                // Reserved bytes have no data.
                let fields = fields.iter().filter(|field| !field.layout().is_reserved());
                for (field, (_, part)) in fields.zip(parts) {
                    let outside = match (field.is_atomic(), field.is_counter()) {
                        // Atomic fields have words of their own only if their struct is the value.
                        (true, _) if depth == 0 => "atomic ",
                        (_, true) => "counter ",
                        _ => "",
                    };
                    self.part(depth + 1, field.name(), field.layout(), outside, part)?;
                }
                Ok(())
            }
            (
                DynKind::Array { element, .. } | DynKind::Slice { element } | DynKind::Vector { element },
                DynData::Array(elements),
            ) => {
                let shown = elements.len().min(self.limits.elements);
                // Of a long array, only the first elements were read.
                let length = if let DynKind::Array { length, .. } = inner.kind() { *length } else { elements.len() };
                if is_leaf(element) {
                    let texts: Vec<_> = elements[..shown].iter().map(ToString::to_string).collect();
                    let more = if shown < length { format!(", .. {} more", length - shown) } else { String::new() };
                    let texts = crate::output::escaped(&texts.join(", ")).into_owned();
                    return self.output.line(&format!("{heading} = [{texts}{more}]"));
                }
                self.output.line(&heading)?;
                for (number, part) in elements[..shown].iter().enumerate() {
                    self.part(depth + 1, &format!("[{number}]"), element, "", part)?;
                }
                if shown < length {
                    let more = format!(".. {} more: `--all` shows them", length - shown);
                    let more = self.output.ink(Ink::Faint, &more);
                    self.output.line(&format!("{}{more}", "  ".repeat(depth + 1)))?;
                }
                Ok(())
            }
            _ => self.output.line(&format!("{heading} = {}", crate::output::escaped(&data.to_string()))),
        }
    }
}

/// Returns the name of a type, without what the schema says about its inside.
pub(crate) fn type_text(layout: &DynLayout) -> String {
    match layout.kind() {
        DynKind::Array { length, element } => format!("[{}; {length}]", type_text(element)),
        DynKind::Slice { element } => format!("[{}]", type_text(element)),
        DynKind::Vector { element } => format!("[{}; ..]", type_text(element)),
        DynKind::Text => format!("FixedStr<{}>", layout.size()),
        DynKind::Bytes => format!("bytes<{}>", layout.size()),
        DynKind::Reserved => format!("Reserved<{}>", layout.size()),
        _ => layout.name().to_owned(),
    }
}

fn inside(layout: &DynLayout) -> &DynLayout {
    if let DynKind::Newtype { inner } = layout.kind() { inside(inner) } else { layout }
}

fn inside_data(data: &DynData) -> &DynData {
    if let DynData::Newtype { inner, .. } = data { inside_data(inner) } else { data }
}

fn is_leaf(layout: &DynLayout) -> bool {
    !matches!(
        inside(layout).kind(),
        DynKind::Struct { .. } | DynKind::Array { .. } | DynKind::Slice { .. } | DynKind::Vector { .. }
    )
}
