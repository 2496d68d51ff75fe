//! Errors of the library as exceptions that users of `multiprocessing` know.

use pyo3::PyErr;
use pyo3::exceptions::{PyMemoryError, PyNotImplementedError, PyOSError, PyOverflowError, PyRuntimeError};
use shared_value::{Error, LockError};

/// Returns the exception for an error: `OSError` with the number of the kernel's error, `MemoryError` for an arena that is full,
/// `OverflowError` for a lock that was taken too often, `NotImplementedError`, or `RuntimeError`.
#[cold]
pub(super) fn exception(error: &Error) -> PyErr {
    match error {
        Error::Io { source, .. } => match source.raw_os_error() {
            Some(number) => PyOSError::new_err((number, error.to_string())),
            None => PyOSError::new_err(error.to_string()),
        },
        Error::ArenaFull { .. } => PyMemoryError::new_err(error.to_string()),
        Error::Lock(LockError::TooDeep { .. }) => PyOverflowError::new_err(error.to_string()),
        Error::Unsupported { .. } | Error::Lock(LockError::Unsupported { .. }) => {
            PyNotImplementedError::new_err(error.to_string())
        }
        _ => PyRuntimeError::new_err(error.to_string()),
    }
}
