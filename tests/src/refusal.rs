//! The errors that refuse a damaged segment.

use anyhow::{Result, bail, ensure};
use shared_value::Error;

/// The most lines of an error that shows two layouts side by side.
const MOST_LINES: usize = 43;

/// Checks that an error refuses the segment of this name, and that its message is clear.
///
/// # Errors
/// If it is an error of another kind, or its message does not tell which segment is refused, or why.
pub fn ensure_refusal(error: &Error, name: &str) -> Result<()> {
    let text = error.to_string();
    let says_why = match error {
        Error::InvalidSegment { .. } => text.contains("expected") && text.contains("found"),
        Error::LayoutMismatch { .. } => {
            (text.contains("expected") && text.contains("found"))
                || text.contains("holds another layout: the segment has ")
        }
        _ => bail!("an error of the wrong kind: {error:?}"),
    };
    ensure!(says_why, "the error does not say what differs: {text}");
    ensure!(text.contains(name), "the error does not name the segment `{name}`: {text}");
    ensure_printable(error)
}

/// Checks that the message of an error can be printed: it is short and without control characters.
///
/// # Errors
/// If it cannot be printed.
pub fn ensure_printable(error: &Error) -> Result<()> {
    let text = error.to_string();
    let most_lines = if matches!(error, Error::LayoutMismatch { .. }) { MOST_LINES } else { 1 };
    let is_short = text.lines().count() <= most_lines && text.lines().next().is_some_and(|line| line.len() < 2_000);
    let is_plain = text.lines().all(|line| !line.contains(char::is_control));
    ensure!(is_short && is_plain, "the error cannot be printed: {text:?}");
    Ok(())
}
