//! Errors of the library as exceptions that users of `multiprocessing` know.

use pyo3::PyErr;
use pyo3::exceptions::{PyMemoryError, PyNotImplementedError, PyOSError, PyOverflowError, PyRuntimeError};
use shared_value::{Error, LockError};

use crate::text::text_of;

/// Returns the exception for an error: `OSError` with the number of the kernel's error, `MemoryError` for an arena that is full,
/// `OverflowError` for a lock that was taken too often, `NotImplementedError`, or `RuntimeError`.
#[cold]
pub(super) fn exception(error: &Error) -> PyErr {
    match error {
        Error::Io { source, .. } => match source.raw_os_error() {
            Some(number) => PyOSError::new_err((number, text_of(error))),
            None => PyOSError::new_err(text_of(error)),
        },
        Error::ArenaFull { .. } => PyMemoryError::new_err(text_of(error)),
        Error::Lock(LockError::TooDeep { .. }) => PyOverflowError::new_err(text_of(error)),
        Error::Unsupported { .. } | Error::Lock(LockError::Unsupported { .. }) => {
            PyNotImplementedError::new_err(text_of(error))
        }
        // Only the values of a process that this one comes from are looked for.
        Error::NotFound { .. } => PyRuntimeError::new_err(
            "the value is gone: the process that made it has dropped it before this one has opened it; keep it there for longer",
        ),
        _ => PyRuntimeError::new_err(text_of(error)),
    }
}
