//! `Step`: one step of a path on the command line. A step may match several parts.
//!
//! ```text
//! path     = [ name | brackets, { ".", name | brackets } ]
//! brackets = "[", text | JSON text | "#", number, "]"
//! ```
//!
//! A name and a text may contain `*` and `?`, and a text may be a range such as `2..5`. A JSON text, as in `bank["a.b"]`, is a
//! key as it is; keys with `[`, `]`, `"`, `*` or `?` need that form. `#` and a number is the id of a value without a key.

use globset::{GlobBuilder, GlobMatcher};

use crate::failure::{Failure, Result};

/// A step into an arena or a value.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A field, behind a dot.
    Name(String),
    /// Text in brackets.
    Brackets(Brackets),
}

/// The text between brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Brackets {
    /// A key, or an index; it may be a pattern.
    Plain(String),
    /// A key as it is.
    Key(String),
    /// The id of a value of an arena.
    Id(u64),
}

impl Step {
    /// Returns the pattern, if the step can match several parts.
    pub(crate) fn pattern(&self) -> Result<Option<GlobMatcher>> {
        match self {
            Self::Name(text) | Self::Brackets(Brackets::Plain(text)) => glob(text),
            Self::Brackets(_) => Ok(None),
        }
    }

    /// Returns whether the step can match several parts.
    pub(crate) fn is_pattern(&self) -> bool {
        match self {
            Self::Name(text) => is_glob(text),
            Self::Brackets(Brackets::Plain(text)) => is_glob(text) || range(text).is_some(),
            Self::Brackets(_) => false,
        }
    }

    /// Returns the first index and the index after the last, if the step is a range of indexes.
    pub(crate) fn range(&self) -> Option<(usize, usize)> {
        if let Self::Brackets(Brackets::Plain(text)) = self { range(text) } else { None }
    }
}

fn range(text: &str) -> Option<(usize, usize)> {
    let (start, end) = text.split_once("..")?;
    let number = |text: &str, default| if text.is_empty() { Some(default) } else { text.parse().ok() };
    Some((number(start, 0)?, number(end, usize::MAX)?))
}

pub(crate) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Returns the matcher of a pattern with `*` and `?`, or `None` if the text contains neither.
pub(crate) fn glob(text: &str) -> Result<Option<GlobMatcher>> {
    if !is_glob(text) {
        return Ok(None);
    }
    // Braces and brackets mean themselves.
    let literal: String =
        text.chars().flat_map(|one| if "{}[]\\!".contains(one) { vec!['\\', one] } else { vec![one] }).collect();
    let glob = GlobBuilder::new(&literal).literal_separator(false).backslash_escape(true).build();
    Ok(Some(glob.map_err(Failure::usage)?.compile_matcher()))
}

/// Reads a path. Its first name may have a dot before it.
pub(crate) fn parse_path(path: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (brackets, after) = parse_brackets(inside).ok_or_else(|| broken(path))?;
            steps.push(Step::Brackets(brackets));
            rest = after;
            continue;
        }
        let name = match rest.strip_prefix('.') {
            Some(name) => name,
            None if steps.is_empty() => rest,
            None => return Err(broken(path)),
        };
        let (name, after) = name.split_at(name.find(['.', '[']).unwrap_or(name.len()));
        if name.is_empty() || name.contains(']') {
            return Err(broken(path));
        }
        steps.push(Step::Name(name.to_owned()));
        rest = after;
    }
    Ok(steps)
}

fn broken(path: &str) -> Failure {
    Failure::usage(format!(
        "`{path}` is not a path: a path is made of names behind `.` and of keys or numbers in brackets, as in \
         `bank[alice].limits[2]` or `bank[\"a.b\"]`"
    ))
}

/// Reads what follows an opening bracket. Returns the rest behind the closing bracket.
fn parse_brackets(inside: &str) -> Option<(Brackets, &str)> {
    if inside.starts_with('"') {
        let mut texts = serde_json::Deserializer::from_str(inside).into_iter::<String>();
        let key = texts.next()?.ok()?;
        let after = inside[texts.byte_offset()..].strip_prefix(']')?;
        return Some((Brackets::Key(key), after));
    }
    let (text, after) = inside.split_once(']')?;
    if text.is_empty() || text.contains(['[', '"']) {
        return None;
    }
    match text.strip_prefix('#') {
        Some(id) => Some((Brackets::Id(id.parse().ok()?), after)),
        None => Some((Brackets::Plain(text.to_owned()), after)),
    }
}

/// Returns a key as it is written between brackets.
pub(crate) fn quoted_key(key: &str) -> String {
    let is_plain = |one: char| one.is_alphanumeric() || "._-:/@+ ".contains(one);
    if !key.is_empty() && key.chars().all(is_plain) && range(key).is_none() {
        return key.to_owned();
    }
    serde_json::to_string(key).unwrap_or_default()
}

/// Returns a key or an id as it is written between brackets.
pub(crate) fn shown(entry: &Brackets) -> String {
    match entry {
        Brackets::Plain(key) | Brackets::Key(key) => quoted_key(key),
        Brackets::Id(bits) => format!("#{bits}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(path: &str) -> String {
        parse_path(path).map_or_else(|_| "broken".to_owned(), |steps| format!("{steps:?}"))
    }

    /// A key that is printed must be readable as a path again, whatever characters it has.
    #[test]
    fn printed_keys_can_be_read() {
        let keys =
            ["alice", "a.b", "a]b", "[x]", "\"", "*", "?", "#5", "2..5", "a\nb", "é", "{a,b}", "\\", "a b", "\u{202e}"];
        for key in keys {
            let path = format!("[{}].x", quoted_key(key));
            let steps = parse_path(&path).unwrap();
            let key_of = |brackets: &Brackets| match brackets {
                Brackets::Plain(text) | Brackets::Key(text) => text.clone(),
                Brackets::Id(_) => String::new(),
            };
            assert!(!steps[0].is_pattern(), "{path}");
            assert!(matches!(&steps[0], Step::Brackets(brackets) if key_of(brackets) == key), "{path}: {steps:?}");
            assert_eq!(steps.len(), 2, "{path}");
        }
    }

    #[test]
    fn paths_are_read_step_by_step() {
        assert_eq!(parsed("a.b"), "[Name(\"a\"), Name(\"b\")]");
        assert_eq!(parsed(".a[2]"), "[Name(\"a\"), Brackets(Plain(\"2\"))]");
        assert_eq!(parsed("[http.*].x"), "[Brackets(Plain(\"http.*\")), Name(\"x\")]");
        assert_eq!(parsed("[\"a]b\"]"), "[Brackets(Key(\"a]b\"))]");
        assert_eq!(parsed("[#12]"), "[Brackets(Id(12))]");
        for path in ["a..b", "a]", "[", "[]", "[a", "[\"a]", "[#x]", "[a]b", "a.", "."] {
            assert_eq!(parsed(path), "broken", "{path}");
        }
    }

    #[test]
    fn braces_and_brackets_in_patterns_mean_themselves() {
        let matches = |pattern: &str, text: &str| glob(pattern).unwrap().unwrap().is_match(text);
        assert!(matches("http.*", "http.get") && matches("*", "a/b") && matches("{a,b}*", "{a,b}c"));
        assert!(!matches("{a,b}*", "ac") && !matches("http.?", "http.get"));
    }
}
