//! Lines for people. The other end of standard output or standard error may be gone, which must not end a publisher or a
//! follower.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};

/// Prints a line on standard output.
pub(crate) fn print(line: &impl Display) {
    write(io::stdout(), line);
}

/// Prints a line on standard error.
pub(crate) fn remark(line: &impl Display) {
    write(io::stderr(), line);
}

fn write(mut to: impl Write, line: &impl Display) {
    // If the output is closed, there is no reader.
    let _ = writeln!(to, "{}", escaped(&line.to_string()));
}

/// Returns the text without characters that control a terminal or the direction of writing: parts of it come from other machines.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return text.into();
    }
    let mut safe = String::new();
    for character in text.chars() {
        if is_harmful(character) {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    safe.into()
}

fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A peer could move the cursor of a terminal, or hide what it has sent.
    #[test]
    fn text_of_others_controls_no_terminal() {
        assert_eq!(escaped("a\u{1b}[2J\r\nb\u{202e}\u{61c}grün"), "a\\u{1b}[2J\\r\\nb\\u{202e}\\u{61c}grün");
    }
}
