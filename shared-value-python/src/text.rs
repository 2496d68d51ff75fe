//! What errors of the library say to programs in Python.

use shared_value::Error;

/// Phrases of the library for programs in Rust, and their counterparts in Python.
const PHRASES: [(&str, &str); 11] = [
    ("create it first, or use `open_or_create`", "create it first, or let `open` wait for it: `wait=` takes seconds"),
    (
        "open it, use `open_or_create`, or remove it first",
        "open it, or remove it first; with `exist_ok=True`, `create` opens what exists",
    ),
    ("for a file pass a `Path`, as in `Path::new(..)`", "for a file pass a path, as in `pathlib.Path(..)`"),
    ("`Source::token(..)`", "`open(Token(..))`"),
    ("`Arena::open`", "`open_arena`"),
    ("`Synchronized::open`", "`open`"),
    ("found none (`Unlocked`)", "found none: open it with `unlocked=True`"),
    ("expected none (`Unlocked`)", "expected none, because of `unlocked=True`"),
    ("drop the guard or leave the closure before waiting", "leave the block before waiting"),
    ("return this error from its closure", "let this exception leave its function"),
    ("is a guard leaked in a loop?", "does a loop enter blocks and never leave them?"),
];

/// Returns the message of an error.
#[cold]
pub(crate) fn text_of(error: &Error) -> String {
    PHRASES.iter().fold(error.to_string(), |text, (rust, python)| text.replace(rust, python))
}
