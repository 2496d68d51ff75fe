//! The results that an operation on hostile memory may have: success, or an error that says what is wrong.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::sync::Once;

use shared_value::{Error, LockError};

use crate::{ensure_printable, ensure_refusal};

/// The message of a panic that an input asks for.
pub(crate) const PLANNED: &str = "planned by the input";

thread_local! {
    static TOLERANT: Cell<bool> = const { Cell::new(false) };
}

/// Runs a closure that may panic because of invalid bits, or as planned by the input.
pub(crate) fn tolerate<R>(body: impl FnOnce() -> R) -> Option<R> {
    let outer = TOLERANT.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    TOLERANT.set(outer);
    result.map_err(|panicked| allow_panic(&*panicked)).ok()
}

fn allow_panic(panicked: &(dyn Any + Send)) {
    let text = panicked.downcast_ref::<String>().map(String::as_str).or(panicked.downcast_ref::<&str>().copied());
    let text = text.expect("a panic has a message");
    assert!(text == PLANNED || text.contains("` holds invalid bits: expected "), "an operation panicked: {text}");
}

/// Accepts the results that the use of a segment may have.
#[track_caller]
pub(crate) fn allow<R>(result: Result<R, Error>) -> Option<R> {
    result.map_err(|error| allow_error(&error)).ok()
}

#[track_caller]
fn allow_error(error: &Error) {
    let is_expected = matches!(
        error,
        Error::InvalidBits { .. }
            // `AlreadyHeld`: a flag of the header says that the lock is not recursive.
            | Error::Lock(
                LockError::AlreadyHeld | LockError::Corrupted | LockError::WouldBlock | LockError::TimedOut
            )
            | Error::TimedOut { .. }
            | Error::WaitUnderLock { .. }
            | Error::Borrowed
            | Error::Retired
    );
    assert!(is_expected, "an operation failed: {error:?}");
    ensure_printable(error).expect("a clear error");
}

/// Accepts the errors that opening a damaged segment may have.
#[track_caller]
pub(crate) fn allow_refusal(error: &Error, name: &str) {
    ensure_refusal(error, name).expect("a refusal with a clear error");
}

/// Silences expected panics, and aborts the process at any other: a fuzzer detects only crashes.
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
