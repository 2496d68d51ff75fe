//! `Difference`: how the layout of a segment differs from the one that a program expects.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::error::Error;

/// The longest line of a layout that an error shows, in characters.
const LONGEST: usize = 200;
/// The most lines of two layouts that an error shows side by side.
const SHOWN: usize = 40;
/// The first lines of the schema of an arena's directory.
const ARENA: &str = "Arena\ncursor: u64 @0\n";
/// The advice for most differences.
const CURE: &str = "open it with the struct it was created with, or remove it and create it again";

/// The end of the line with the size of a struct that evolves.
const EVOLVES: &str = ", evolves";

/// How two schemas differ, in words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The part that differs, as the program declares it.
    expected: String,
    /// This part, as the segment records it.
    found: String,
    /// What differs, and what to do.
    explanation: String,
}

impl Difference {
    /// Compares two schemas. Returns `None` if they are equal.
    pub(crate) fn between(expected: &str, found: &str) -> Option<Self> {
        if expected.lines().eq(found.lines()) {
            return None;
        }
        Some(of_arenas(expected, found).unwrap_or_else(|| of_schemas(&Schema::of(expected), &Schema::of(found))))
    }

    /// Returns the error for the segment with this name.
    pub(crate) fn of(self, name: &str) -> Error {
        let Self { expected, found, explanation } = self;
        Error::LayoutMismatch { name: name.to_owned(), expected, found, explanation }
    }
}

/// A schema, cut into the name of its type and its other lines.
struct Schema<'a> {
    name: &'a str,
    lines: Vec<&'a str>,
}

impl<'a> Schema<'a> {
    fn of(text: &'a str) -> Self {
        let mut lines = text.lines();
        Self { name: lines.next().unwrap_or_default(), lines: lines.collect() }
    }

    /// Returns the lines. Lines that begin with the name of the type are returned without it.
    fn nameless(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.lines.iter().map(|line| (line.strip_prefix(self.name).unwrap_or(line), *line))
    }

    fn fields(&self) -> HashSet<&'a str> {
        self.lines.iter().filter_map(|line| field(line)).collect()
    }
}

/// Returns the path of the field that a line describes.
fn field(line: &str) -> Option<&str> {
    line.rsplit_once(" @").and_then(|(field, _)| field.split_once(": ")).map(|(path, _)| path)
}

/// Returns the difference between an arena and a value, if only one of the two is an arena.
fn of_arenas(expected: &str, found: &str) -> Option<Difference> {
    let (expected_name, found_name) = (readable(Schema::of(expected).name), readable(Schema::of(found).name));
    let explanation = match (expected.starts_with(ARENA), found.starts_with(ARENA)) {
        (false, true) => format!("expected `{expected_name}`, found an arena: open it by `Arena::open`"),
        (true, false) => format!("expected an arena, found `{found_name}`: open it by `Synchronized::open`"),
        _ => return None,
    };
    Some(Difference { expected: expected_name, found: found_name, explanation })
}

fn of_schemas(expected: &Schema<'_>, found: &Schema<'_>) -> Difference {
    let first = expected.nameless().zip(found.nameless()).find(|((one, _), (other, _))| one != other);
    let (ours, theirs) = match first {
        Some(((_, ours), (_, theirs))) => (Some(ours), Some(theirs)),
        // One schema has more lines than the other, or only the names differ.
        None => (expected.lines.get(found.lines.len()).copied(), found.lines.get(expected.lines.len()).copied()),
    };
    let (our_fields, their_fields) = (expected.fields(), found.fields());
    let missing = |line: Option<&'_ str>, fields: &HashSet<&str>| {
        line.and_then(field).filter(|path| !fields.contains(path)).map(readable)
    };
    let show = |line: Option<&str>| line.map_or_else(|| "nothing more".to_owned(), shown);
    let (mut told_expected, mut told_found) = (show(ours), show(theirs));
    let explanation = if expected.name != found.name && (our_fields != their_fields || (ours, theirs) == (None, None)) {
        (told_expected, told_found) = (readable(expected.name), readable(found.name));
        format!("the type is another: expected `{told_expected}`, found `{told_found}`")
    } else if let Some(path) = missing(ours, &their_fields) {
        told_found = format!("no field `{path}`");
        format!("the segment has no field `{path}`, which this program expects as `{told_expected}`")
    } else if let Some(path) = missing(theirs, &our_fields) {
        told_expected = format!("no field `{path}`");
        format!("the segment has a field `{path}`, as `{told_found}`, which this program does not have")
    } else {
        format!("expected `{told_expected}`, found `{told_found}`")
    };
    let evolves = |schema: &Schema<'_>| schema.lines.iter().any(|line| line.ends_with(EVOLVES));
    let cure = if evolves(found) && !evolves(expected) {
        format!("{CURE}; its struct evolves, so other versions fit if they are `#[shared(evolves)]` too")
    } else {
        CURE.to_owned()
    };
    Difference {
        explanation: format!("{explanation}; {cure}{}", side_by_side(expected, found)),
        expected: told_expected,
        found: told_found,
    }
}

/// Returns both layouts, if more than one field differs: the first difference is not enough then.
fn side_by_side(expected: &Schema<'_>, found: &Schema<'_>) -> String {
    let lines = |schema: &Schema<'_>| -> Vec<String> {
        std::iter::once(schema.name)
            .chain(schema.lines.iter().copied())
            .filter(|line| !line.is_empty())
            .map(shown)
            .collect()
    };
    let is_field = |line: &&str| field(line).is_some();
    let only = |one: &Schema<'_>, other: &Schema<'_>| {
        one.lines.iter().copied().filter(is_field).filter(|line| !other.lines.contains(line)).count()
    };
    if only(expected, found).max(only(found, expected)) < 2 {
        return String::new();
    }
    let (ours, theirs) = (lines(expected), lines(found));
    let width = ours.iter().take(SHOWN).map(|line| line.chars().count()).max().unwrap_or(0).max("this program".len());
    let mut table = format!("\n  {:width$}   the segment", "this program");
    let empty = String::new();
    for index in 0..ours.len().max(theirs.len()).min(SHOWN) {
        let (our, their) = (ours.get(index).unwrap_or(&empty), theirs.get(index).unwrap_or(&empty));
        let mark = if our == their { ' ' } else { '|' };
        let _ = write!(table, "\n  {our:width$} {mark} {their}");
    }
    if ours.len().max(theirs.len()) > SHOWN {
        table.push_str("\n  ..");
    }
    table
}

/// Returns a line of a layout, shortened for an error.
fn shown(line: &str) -> String {
    let line = readable(line);
    match line.rsplit_once(" @") {
        Some((field, offset)) => format!("{field} at byte {offset}"),
        None => line,
    }
}

/// Escapes and cuts a text that may come from shared memory, which any process can write.
fn readable(text: &str) -> String {
    text.chars().flat_map(char::escape_debug).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "Account\nbalance: i64 @0\nowner: u32 @8\nAccount: 16 bytes, align 8\nlittle-endian\n";

    fn explanation(found: &str) -> String {
        Difference::between(ACCOUNT, found).expect("they differ").explanation
    }

    #[test]
    fn equal_schemas_have_no_difference() {
        assert_eq!(Difference::between(ACCOUNT, ACCOUNT), None);
    }

    #[test]
    fn a_missing_field_is_named() {
        let explanation = explanation("Account\nbalance: i64 @0\nAccount: 8 bytes, align 8\nlittle-endian\n");
        assert!(explanation.starts_with("the segment has no field `owner`"), "{explanation}");
        assert!(!explanation.contains('\n'), "one field tells the story: {explanation}");
    }

    #[test]
    fn a_field_too_many_is_named() {
        let more = ACCOUNT.replace("Account: 16", "open: bool @12\nAccount: 16");
        assert!(explanation(&more).starts_with("the segment has a field `open`, as `open: bool at byte 12`"));
    }

    #[test]
    fn a_field_of_another_type_is_shown_as_both_have_it() {
        let other = ACCOUNT.replace("owner: u32", "owner: f32");
        assert!(explanation(&other).starts_with("expected `owner: u32 at byte 8`, found `owner: f32 at byte 8`"));
    }

    #[test]
    fn several_differences_are_shown_side_by_side() {
        let swapped = "Account\nowner: u32 @0\nbalance: i64 @8\nAccount: 16 bytes, align 8\nlittle-endian\n";
        let explanation = explanation(swapped);
        assert!(explanation.contains("\n  balance: i64 at byte 0     | owner: u32 at byte 0"), "{explanation}");
    }

    #[test]
    fn another_type_is_named() {
        let config = "Config\nlevel: u8 @0\nConfig: 1 bytes, align 1\nlittle-endian\n";
        assert!(explanation(config).starts_with("the type is another: expected `Account`, found `Config`"));
        assert!(explanation(&ACCOUNT.replace("Account", "Konto")).contains("expected `Account`, found `Konto`"));
    }

    #[test]
    fn an_arena_says_how_to_open_it() {
        let arena = format!("{ARENA}little-endian\n");
        assert_eq!(explanation(&arena), "expected `Account`, found an arena: open it by `Arena::open`");
        let value = Difference::between(&arena, ACCOUNT).expect("they differ").explanation;
        assert_eq!(value, "expected an arena, found `Account`: open it by `Synchronized::open`");
    }

    /// A schema may come from a hostile process.
    #[test]
    fn text_of_others_is_escaped_and_cut() {
        let hostile = format!("\u{1b}[31m{}\nx: u8 @0\n", "y".repeat(1000));
        let explanation = explanation(&hostile);
        assert!(!explanation.contains('\u{1b}') && explanation.len() < 3000, "{explanation}");
    }
}
