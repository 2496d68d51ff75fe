//! The text of a schema, taken line by line and token by token.

use std::fmt::Display;

use crate::format::Invalid;

pub(super) fn invalid(expected: impl Display, found: impl Display) -> Invalid {
    Invalid::new("schema", expected, found)
}

/// Returns a piece of the text in the form that errors show.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 80;
    let shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    let more = if text.chars().nth(SHOWN).is_some() { ".." } else { "" };
    format!("`{shown}{more}`")
}

/// The lines that are left to read.
pub(super) struct Lines<'t> {
    pub(super) rest: &'t str,
    /// The number of bytes of typecodes that were read so far.
    pub(super) typecodes: usize,
}

impl<'t> Lines<'t> {
    pub(super) fn peek(&self) -> Option<&'t str> {
        self.rest.split_once('\n').map(|(line, _)| line)
    }

    pub(super) fn next(&mut self, what: impl Display) -> Result<&'t str, Invalid> {
        let Some((line, rest)) = self.rest.split_once('\n') else {
            let found = if self.rest.is_empty() { "nothing more".to_owned() } else { quoted(self.rest) };
            return Err(invalid(format!("{what}, and a line feed"), found));
        };
        self.rest = rest;
        Ok(line)
    }

    pub(super) fn expect(&mut self, line: &str) -> Result<(), Invalid> {
        let found = self.next(quoted(line))?;
        if found == line { Ok(()) } else { Err(invalid(quoted(line), quoted(found))) }
    }
}

/// The part of a line that is left to read.
pub(super) struct Expression<'t> {
    pub(super) rest: &'t str,
}

impl<'t> Expression<'t> {
    pub(super) fn takes(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    pub(super) fn expect(&mut self, token: &str) -> Result<(), Invalid> {
        if self.takes(token) { Ok(()) } else { Err(invalid(format!("`{token}`"), quoted(self.rest))) }
    }

    pub(super) fn end(&self) -> Result<(), Invalid> {
        if self.rest.is_empty() { Ok(()) } else { Err(invalid("the end of the line", quoted(self.rest))) }
    }

    /// Takes the text before the first character that is not accepted.
    pub(super) fn take_while(&mut self, is_accepted: impl Fn(char) -> bool) -> &'t str {
        let length = self.rest.find(|character| !is_accepted(character)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    pub(super) fn name(&mut self) -> Result<&'t str, Invalid> {
        let before = self.rest;
        match self.take_while(is_of_name) {
            "" => Err(invalid("a name", quoted(before))),
            name => Ok(name),
        }
    }

    pub(super) fn number<N: std::str::FromStr>(&mut self) -> Result<N, Invalid> {
        let before = self.rest;
        let digits = self.take_while(|character| character.is_ascii_digit());
        let is_written_so = digits == "0" || !digits.starts_with('0');
        let number = digits.parse().ok().filter(|_| is_written_so);
        number.ok_or_else(|| invalid("a number", quoted(before)))
    }
}

/// Returns whether an identifier of Rust may contain this character. Beyond ASCII, only invisible characters are refused.
pub(super) fn is_of_name(character: char) -> bool {
    match character {
        '_' => true,
        _ if character.is_ascii() => character.is_ascii_alphanumeric(),
        _ => !character.is_control() && !character.is_whitespace(),
    }
}
