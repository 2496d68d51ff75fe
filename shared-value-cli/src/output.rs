//! `Output`: standard output. Names and texts that other processes wrote are printed without control characters.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use crate::failure::Result;

/// When to use colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Color {
    /// If the output is a terminal, and `NO_COLOR` is not set.
    Auto,
    Always,
    Never,
}

/// Standard output, buffered.
pub(crate) struct Output {
    writer: BufWriter<StdoutLock<'static>>,
    is_colored: bool,
}

/// The colors of this tool, by what they mark.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ink {
    Name,
    Faint,
    Good,
    Warning,
    Bad,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Self::Name => "1",
            Self::Faint => "2",
            Self::Good => "32",
            Self::Warning => "33",
            Self::Bad => "31",
        }
    }
}

impl Output {
    pub(crate) fn new(color: Color) -> Self {
        let is_wanted = || std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let is_colored = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => io::stdout().is_terminal() && is_wanted(),
        };
        Self { writer: BufWriter::new(io::stdout().lock()), is_colored }
    }

    /// Returns text of others, escaped and in a color.
    pub(crate) fn ink(&self, ink: Ink, text: &str) -> String {
        self.dye(ink, &escaped(text))
    }

    fn dye(&self, ink: Ink, text: &str) -> String {
        if self.is_colored { format!("\u{1b}[{}m{text}\u{1b}[0m", ink.code()) } else { text.to_owned() }
    }

    pub(crate) fn line(&mut self, line: &str) -> Result<()> {
        Ok(writeln!(self.writer, "{line}")?)
    }

    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> Result<()> {
        self.line(&harmless_json(&serde_json::to_string_pretty(value)?))
    }

    /// Prints JSON in one line.
    pub(crate) fn json_line(&mut self, value: &impl serde::Serialize) -> Result<()> {
        self.line(&harmless_json(&serde_json::to_string(value)?))
    }

    /// Prints bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.writer.write_all(bytes)?)
    }

    pub(crate) fn flush(&mut self) -> Result<()> {
        Ok(self.writer.flush()?)
    }

    /// Prints rows in columns. The first row is the heading. The last column is as wide as its cells.
    pub(crate) fn table<const N: usize>(&mut self, rows: &[[Cell; N]]) -> Result<()> {
        let mut widths = [0; N];
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(width_of(&cell.text));
            }
        }
        for (number, row) in rows.iter().enumerate() {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let text = escaped(&cell.text);
                let padding = " ".repeat(widths[column].saturating_sub(width_of(&cell.text)));
                let ink = if number == 0 { Some(Ink::Faint) } else { cell.ink };
                let text = ink.map_or_else(|| text.clone().into_owned(), |ink| self.dye(ink, &text));
                let gap = if column == 0 { "" } else { "  " };
                if cell.is_right {
                    let _ = write!(line, "{gap}{padding}{text}");
                } else {
                    let _ = write!(line, "{gap}{text}{padding}");
                }
            }
            self.line(line.trim_end())?;
        }
        Ok(())
    }
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    ink: Option<Ink>,
    is_right: bool,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ink: None, is_right: false }
    }

    pub(crate) fn ink(self, ink: Ink) -> Self {
        Self { ink: Some(ink), ..self }
    }

    pub(crate) fn right(self) -> Self {
        Self { is_right: true, ..self }
    }
}

fn width_of(text: &str) -> usize {
    escaped(text).chars().count()
}

/// Returns text without control characters, and without characters that change the direction of text: those are written as
/// escapes.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return text.into();
    }
    let mut safe = String::new();
    for character in text.chars() {
        match character {
            '\n' => safe.push_str("\\n"),
            '\t' => safe.push_str("\\t"),
            '\r' => safe.push_str("\\r"),
            _ if is_harmful(character) => safe.extend(character.escape_unicode()),
            _ => safe.push(character),
        }
    }
    safe.into()
}

fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Escapes the characters in JSON that JSON itself leaves as they are. They occur only in texts.
fn harmless_json(json: &str) -> Cow<'_, str> {
    let is_left = |character: char| character != '\n' && is_harmful(character);
    if !json.contains(is_left) {
        return json.into();
    }
    let mut safe = String::new();
    for character in json.chars() {
        if is_left(character) {
            // All of these take one unit of UTF-16.
            let _ = write!(safe, "\\u{:04x}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    safe.into()
}

/// Prints a remark on standard error, which is for people. It is one line: a name in it with a line break could forge another
/// remark.
pub(crate) fn remark(text: &str) {
    // If standard error is closed, there is no reader.
    let _ = writeln!(io::stderr(), "shared-value: {}", escaped(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name with an escape sequence would change the terminal of the person who lists it.
    #[test]
    fn control_characters_become_escapes() {
        assert_eq!(escaped("plain name"), "plain name");
        assert_eq!(harmless_json("\"a\u{9b}\u{202e}\""), "\"a\\u009b\\u202e\"");
        assert_eq!(escaped("a\u{61c}b"), "a\\u{61c}b");
        assert_eq!(escaped("a\u{1b}[31mb\n\u{9b}c\u{202e}"), "a\\u{1b}[31mb\\n\\u{9b}c\\u{202e}");
    }
}
