//! A value as text in one line.

use shared_value::DynData;

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
