//! A value as text in one line.

use shared_value::{DynData, DynKind, DynLayout};

/// Returns data as bare text for scripts: a number, a text or a name as it is, anything with parts as JSON.
pub(crate) fn bare(data: &DynData) -> String {
    match data {
        DynData::Text(text) => text.clone(),
        DynData::Char(character) => character.to_string(),
        DynData::Enum { variant, .. } => variant.clone(),
        DynData::Newtype { inner, .. } | DynData::Optional(Some(inner)) => bare(inner),
        DynData::Optional(None) => "null".to_owned(),
        DynData::Bytes(bytes) => hexadecimal(bytes),
        DynData::Array(_) | DynData::Struct { .. } => serde_json::to_string(data).unwrap_or_default(),
        other => other.to_string(),
    }
}

/// Returns how many bytes a part takes: of a value whose length changes, the bytes of its elements.
pub(crate) fn size_of(layout: &DynLayout, data: &DynData) -> usize {
    match (layout.kind(), data) {
        (DynKind::Newtype { inner }, DynData::Newtype { inner: data, .. }) => size_of(inner, data),
        (DynKind::Newtype { .. }, DynData::Text(text)) => text.len(),
        (DynKind::Newtype { .. }, DynData::Bytes(bytes)) => bytes.len(),
        (DynKind::Vector { element }, DynData::Array(elements)) => elements.len() * element.size(),
        _ => layout.size(),
    }
}

/// Returns the path of a part as it stands in a message.
pub(crate) fn part_text(path: &str) -> String {
    if path.is_empty() { "the value".to_owned() } else { format!("`{path}`") }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Returns data in one line of at most this number of characters.
pub(crate) fn inline(data: &DynData, most: usize) -> String {
    let text = data.to_string();
    if text.chars().nth(most).is_none() {
        return text;
    }
    let kept: String = text.chars().take(most.saturating_sub(2)).collect();
    format!("{kept}..")
}
