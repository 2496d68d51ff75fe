//! What may come of an operation on memory that others write: an error that says what is wrong, and nothing else.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::sync::Once;

use shared_value::Error;

/// The text of a panic that an input asks for.
pub(crate) const PLANNED: &str = "planned by the input";

thread_local! {
    static TOLERANT: Cell<bool> = const { Cell::new(false) };
}

/// Runs something that may panic, if only because of invalid bits.
pub(crate) fn tolerate<R>(body: impl FnOnce() -> R) -> Option<R> {
    let outer = TOLERANT.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    TOLERANT.set(outer);
    result.map_err(|panicked| allow_panic(&*panicked)).ok()
}

fn allow_panic(panicked: &(dyn Any + Send)) {
    let text = panicked.downcast_ref::<String>().map(String::as_str).or(panicked.downcast_ref::<&str>().copied());
    let text = text.expect("a panic has a text");
    assert!(text == PLANNED || text.contains("` holds invalid bits: expected "), "an operation panicked: {text}");
}

/// What using a segment may return.
#[track_caller]
pub(crate) fn allow<R>(result: Result<R, Error>) -> Option<R> {
    result.map_err(|error| allow_error(&error)).ok()
}

#[track_caller]
fn allow_error(error: &Error) {
    let is_expected = matches!(
        error,
        Error::InvalidBits { .. } | Error::Corrupted | Error::WouldBlock | Error::TimedOut | Error::Borrowed
    );
    assert!(is_expected, "an operation failed: {error:?}");
    assert_clear(error);
}

/// What opening something that may be a segment may return.
#[track_caller]
pub(crate) fn allow_refusal(error: &Error, name: &str) {
    let is_expected = matches!(error, Error::InvalidSegment { .. } | Error::LayoutMismatch { .. });
    let text = error.to_string();
    assert!(is_expected && text.contains(name), "opening failed: {error:?}");
    assert!(text.contains("expected") && text.contains("found"), "what differs? {text}");
    assert_clear(error);
}

#[track_caller]
fn assert_clear(error: &Error) {
    let text = error.to_string();
    assert!(text.len() < 2_000 && !text.contains(char::is_control), "it cannot be printed: {text:?}");
}

/// Keeps expected panics quiet, and makes all others the end of the process: a fuzzer sees nothing else.
pub(crate) fn watch_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            if !TOLERANT.get() {
                usual(panicked);
                process::abort();
            }
        }));
    });
}
