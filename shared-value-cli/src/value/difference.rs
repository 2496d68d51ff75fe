//! The differences of two layouts, field by field.

use std::collections::BTreeMap;

use shared_value::{DynKind, DynLayout, DynPart};

use crate::value::tree::type_text;

/// Describes each difference in words.
pub(crate) fn differences(expected: &DynLayout, found: &DynLayout) -> Vec<String> {
    if expected == found {
        return Vec::new();
    }
    // A typecode has no names of types, no enums and no atomic fields.
    let is_coarse = expected.name() == "struct";
    let described = |part: &DynPart<'_>| described(part, is_coarse);
    let mut all = Vec::new();
    let (whole, other) = (type_text(expected), type_text(found));
    if whole != other && !is_coarse {
        all.push(format!("the type: expected {whole}, found {other}"));
    }
    if expected.size() != found.size() {
        all.push(format!("the size: expected {} bytes, found {}", expected.size(), found.size()));
    }
    let mut parts = parts_of(found);
    for (path, expected) in in_order(expected) {
        match parts.remove(&path) {
            None => all.push(format!("`{path}`: expected {}, found no such field", described(&expected))),
            Some(found) if described(&found) != described(&expected) => {
                all.push(format!("`{path}`: expected {}, found {}", described(&expected), described(&found)));
            }
            Some(_) => {}
        }
    }
    for (path, found) in in_order(found) {
        if parts.contains_key(&path) {
            all.push(format!("`{path}`: expected no such field, found {}", described(&found)));
        }
    }
    if all.is_empty() && !is_coarse {
        all.push("the schemas differ in the names of types, in alignments or in the byte order".to_owned());
    }
    all
}

fn parts_of(layout: &DynLayout) -> BTreeMap<String, DynPart<'_>> {
    in_order(layout).collect()
}

/// Lists the parts; of arrays, only the first element.
fn in_order(layout: &DynLayout) -> impl Iterator<Item = (String, DynPart<'_>)> {
    let is_first = |path: &str| path.split('[').skip(1).all(|index| index.starts_with("0]"));
    layout.fields().filter(move |part| is_first(part.path())).map(|part| (part.path().to_owned(), part))
}

fn described(part: &DynPart<'_>, is_coarse: bool) -> String {
    if is_coarse {
        return format!("{} at {}", coarse(part.layout()), part.offset());
    }
    let atomic = match (part.is_atomic(), part.is_counter()) {
        (true, _) => "atomic ",
        (_, true) => "counter ",
        _ => "",
    };
    let schema = part.layout().to_string();
    // The first line of a schema is the type, with the numbers of an enum.
    let kind = schema.lines().next().unwrap_or_default();
    format!("{atomic}{kind} at {}", part.offset())
}

/// Returns a type as far as a typecode can tell it.
fn coarse(layout: &DynLayout) -> String {
    match layout.kind() {
        DynKind::Struct { .. } => "struct".to_owned(),
        DynKind::Enum { repr: inner, .. } | DynKind::Newtype { inner } => coarse(inner),
        DynKind::Array { length, element } => format!("[{}; {length}]", coarse(element)),
        _ => type_text(layout),
    }
}
