//! Data from the command line.

use shared_value::{DynData, DynKind, DynLayout};

use crate::failure::{Failure, Result};
use crate::target::unwrapped;

/// Splits `PATH=VALUE`. A `=` in quotes or brackets belongs to the path.
pub(crate) fn parse_assignment(text: &str) -> Result<(&str, &str)> {
    let (mut is_quoted, mut is_escaped, mut depth) = (false, false, 0_u32);
    for (at, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' if depth > 0 => is_quoted = !is_quoted,
            '[' if !is_quoted => depth += 1,
            ']' if !is_quoted => depth = depth.saturating_sub(1),
            '=' if depth == 0 => return Ok((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    Err(Failure::usage(format!("`{text}` is not an assignment: write `PATH=VALUE`, or `=VALUE` for the whole value")))
}

/// Reads data for a part of this layout: JSON, or bare text for a text, a character, the name of a variant, bytes in
/// hexadecimal, and floats that JSON cannot express.
pub(crate) fn parse_data(layout: &DynLayout, text: &str) -> DynData {
    let bare = || DynData::from(text);
    // Both are newtypes around bytes.
    match (layout.name(), unwrapped(layout).kind()) {
        ("SharedString", DynKind::Vector { .. }) if !text.starts_with('"') => return bare(),
        ("SharedBytes", DynKind::Vector { .. }) if !text.starts_with(['"', '[']) => return bare(),
        _ => {}
    }
    match unwrapped(layout).kind() {
        // Digits are text here. Quotes are JSON.
        DynKind::Text | DynKind::Char | DynKind::Enum { .. } if !text.starts_with('"') => {
            let number =
                matches!(unwrapped(layout).kind(), DynKind::Enum { .. }).then(|| text.parse::<i64>().ok()).flatten();
            number.map_or_else(bare, DynData::from)
        }
        DynKind::Bytes if !text.starts_with(['"', '[', '{']) && is_of_bytes(layout) => bare(),
        _ => serde_json::from_str(text).unwrap_or_else(|_| bare()),
    }
}

/// Returns whether bytes have no other meaning: an author may have given them a typecode.
fn is_of_bytes(layout: &DynLayout) -> bool {
    matches!(layout.decode(&vec![0; layout.size()]), Ok(DynData::Bytes(_)) | Err(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_split_behind_its_path() {
        let split = |text| parse_assignment(text).ok();
        assert_eq!(split("a.b=5"), Some(("a.b", "5")));
        assert_eq!(split("a==5"), Some(("a", "=5")));
        assert_eq!(split("[\"a=b]\\\"=\"].x=y=z"), Some(("[\"a=b]\\\"=\"].x", "y=z")));
        assert_eq!(split("[a=b]=1"), Some(("[a=b]", "1")));
        assert_eq!(split("=1"), Some(("", "1")));
        assert_eq!(split("a"), None);
    }
}
