//! A layout as Rust types that open the value.

use std::fmt::Write as _;

use shared_value::{DynField, DynKind, DynLayout};

use crate::language::definitions::Definitions;

/// The words that are not names without `r#`.
const KEYWORDS: [&str; 48] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Returns definitions of the types. `name` is the name of the value.
pub(crate) fn rust(layout: &DynLayout, name: &str) -> String {
    let types = Definitions::of(layout, str::to_owned);
    let mut text = format!("// Types of the shared value {name:?}, made by `shared-value layout`.\n");
    text.push_str("use shared_value::SharedValue;\n");
    for (unique, layout) in types.iter().filter(|(_, layout)| known(layout, &types).is_none()) {
        text.push('\n');
        let definition = define(layout, &types);
        if unique == layout.name() {
            text.push_str(&definition);
            continue;
        }
        // Two types have one name. The name is a part of the schema, so the second one lies in a module.
        let _ = writeln!(text, "pub mod {} {{\n    use super::*;\n", module(unique));
        for line in definition.lines() {
            let _ = writeln!(text, "    {line}");
        }
        text.push_str("}\n");
    }
    let _ = writeln!(text, "\n/// The type of the value.\npub type Value = {};", typed(layout, &types));
    let _ = writeln!(text, "\n// let value = shared_value::Synchronized::<Value>::open({name:?})?;");
    text
}

fn module(unique: &str) -> String {
    unique.to_lowercase()
}

fn identifier(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("r#{name}") } else { name.to_owned() }
}

fn define(layout: &DynLayout, types: &Definitions<'_>) -> String {
    let name = identifier(layout.name());
    match layout.kind() {
        DynKind::Newtype { inner } => {
            let inner = typed(inner, types);
            format!("#[derive(SharedValue, Clone, Copy)]\n#[repr(transparent)]\npub struct {name}(pub {inner});\n")
        }
        DynKind::Enum { repr, variants } => {
            let mut text =
                format!("#[derive(SharedValue, Clone, Copy)]\n#[repr({})]\npub enum {name} {{\n", repr.name());
            for variant in variants {
                let _ = writeln!(text, "    {} = {},", identifier(variant.name()), variant.number());
            }
            text + "}\n"
        }
        DynKind::Struct { fields } => structure(&name, layout, fields, types),
        _ => String::new(),
    }
}

fn structure(name: &str, layout: &DynLayout, fields: &[DynField], types: &Definitions<'_>) -> String {
    let natural = fields.iter().map(|field| field.layout().align()).max().unwrap_or(1);
    let align = if layout.align() > natural { format!(", align({})", layout.align()) } else { String::new() };
    let evolves = if layout.evolves() { "#[shared(evolves)]\n" } else { "" };
    let lanes = match layout.lanes() {
        0 => String::new(),
        lanes => format!("#[shared(lanes = {lanes})]\n"),
    };
    let mut text = format!("#[derive(SharedValue, Clone, Copy)]\n#[repr(C{align})]\n{evolves}{lanes}pub struct {name}");
    let is_tuple = fields.iter().enumerate().all(|(number, field)| field.name() == number.to_string());
    text.push_str(if is_tuple { "(\n" } else { " {\n" });
    for field in fields {
        if field.is_atomic() {
            text.push_str("    #[shared(atomic)]\n");
        }
        if field.is_counter() {
            text.push_str("    #[shared(counter)]\n");
        }
        let kind = match field.typecode() {
            Some(typecode) => {
                let _ = writeln!(text, "    #[shared(pod, typecode = {typecode:?})]");
                words(field.layout())
            }
            None => typed(field.layout(), types),
        };
        if is_tuple {
            let _ = writeln!(text, "    pub {kind},");
        } else {
            let _ = writeln!(text, "    pub {}: {kind},", identifier(field.name()));
        }
    }
    text + if is_tuple { ");\n" } else { "}\n" }
}

/// Returns an array of integers with the size and the alignment of bytes.
fn words(layout: &DynLayout) -> String {
    match layout.align() {
        align @ (1 | 2 | 4 | 8) => format!("[u{}; {}]", 8 * align, layout.size() / align),
        _ => format!("[u8; {}]", layout.size()),
    }
}

/// Returns how a type is written.
fn typed(layout: &DynLayout, types: &Definitions<'_>) -> String {
    match layout.kind() {
        DynKind::Nonzero { .. } => format!("std::num::{}", layout.name()),
        DynKind::Optional { .. } => layout.name().replace('<', "<std::num::"),
        DynKind::Text => format!("shared_value::FixedStr<{}>", layout.size()),
        DynKind::Reserved => format!("shared_value::Reserved<{}>", layout.size()),
        DynKind::Bytes => format!("shared_value::Pod<{}>", words(layout)),
        DynKind::Array { length, element } => format!("[{}; {length}]", typed(element, types)),
        DynKind::Slice { element } => format!("[{}]", typed(element, types)),
        DynKind::Vector { element } => format!("shared_value::Vector<{}>", typed(element, types)),
        DynKind::Newtype { .. } | DynKind::Struct { .. } | DynKind::Enum { .. } => {
            known(layout, types).unwrap_or_else(|| match types.name(layout) {
                unique if unique == layout.name() => identifier(&unique),
                unique => format!("{}::{}", module(&unique), identifier(layout.name())),
            })
        }
        _ => layout.name().to_owned(),
    }
}

/// Returns how a type of the library is written.
fn known(layout: &DynLayout, types: &Definitions<'_>) -> Option<String> {
    match (layout.name(), layout.kind()) {
        ("Timestamp" | "SharedDuration", DynKind::Newtype { inner }) if inner.name() == "i64" => {
            Some(format!("shared_value::{}", layout.name()))
        }
        // The type to which an id leads is not part of the schema.
        ("Id", DynKind::Newtype { inner }) if inner.name() == "NonZeroU64" => Some("shared_value::Id<u64>".to_owned()),
        ("OptionId", DynKind::Newtype { inner }) if inner.name() == "Option<NonZeroU64>" => {
            Some("Option<shared_value::Id<u64>>".to_owned())
        }
        ("SharedString", DynKind::Newtype { inner }) if matches!(inner.kind(), DynKind::Vector { .. }) => {
            Some("shared_value::Vector<shared_value::Text>".to_owned())
        }
        ("SharedBytes", DynKind::Newtype { inner }) if matches!(inner.kind(), DynKind::Vector { .. }) => {
            Some("shared_value::Vector<shared_value::Bytes>".to_owned())
        }
        ("SharedOption", DynKind::Struct { fields }) => match fields.as_slice() {
            [is_some, value] if is_some.name() == "is_some" && value.name() == "value" => {
                Some(format!("shared_value::SharedOption<{}>", typed(value.layout(), types)))
            }
            _ => None,
        },
        _ => None,
    }
}
