//! The errors of the library as Python exceptions.

use std::time::{Duration, Instant};

use pyo3::exceptions::{
    PyBlockingIOError, PyException, PyFileExistsError, PyFileNotFoundError, PyIndexError, PyInterruptedError,
    PyLookupError, PyNotImplementedError, PyOSError, PyRuntimeError, PyTimeoutError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use shared_value::{Error, LockError};

use crate::text::text_of;
use crate::wait::{SLICE, in_slices};

/// Returns the class of an exception that the Python part of the package defines.
fn class<'py>(py: Python<'py>, cell: &'static PyOnceLock<Py<PyType>>, name: &str) -> PyResult<Bound<'py, PyType>> {
    let class = cell.get_or_try_init(py, || {
        let class = py.import("shared_value._errors")?.getattr(name)?.cast_into::<PyType>()?;
        Ok::<_, PyErr>(class.unbind())
    })?;
    Ok(class.bind(py).clone())
}

macro_rules! raise {
    ($py:expr, $name:literal, $($argument:expr),+) => {{
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        class($py, &CLASS, $name).map_or_else(|error| error, |class| PyErr::from_type(class, ($($argument,)+)))
    }};
}

/// Returns the exception for an error of the library.
pub(crate) fn exception(py: Python<'_>, error: Error) -> PyErr {
    let message = text_of(&error);
    match error {
        Error::Io { source, .. } => match source.raw_os_error() {
            Some(number) => PyOSError::new_err((number, message)),
            None => PyOSError::new_err(message),
        },
        Error::NotFound { .. } | Error::NotPassed { .. } | Error::StaleToken { .. } => {
            PyFileNotFoundError::new_err((2, message))
        }
        Error::AlreadyExists { .. } => PyFileExistsError::new_err((17, message)),
        Error::LayoutMismatch { name, expected, found, .. } => {
            raise!(py, "LayoutMismatch", message, name, expected, found)
        }
        Error::InvalidSegment { .. } => raise!(py, "InvalidSegment", message),
        Error::InvalidBits { .. } => raise!(py, "InvalidBits", message),
        Error::ArenaFull { .. } | Error::VectorFull { .. } => raise!(py, "ArenaFull", message),
        Error::Retired => raise!(py, "Retired", message),
        Error::NoElement { .. } => PyIndexError::new_err(message),
        Error::NoSuchPart { .. } => PyLookupError::new_err(message),
        Error::InvalidName { .. }
        | Error::InvalidLayout { .. }
        | Error::WrongData { .. }
        | Error::Text(_)
        | Error::Time(_) => PyValueError::new_err(message),
        Error::Lock(LockError::WouldBlock) => PyBlockingIOError::new_err((11, message)),
        Error::Lock(LockError::TimedOut) | Error::TimedOut { .. } => PyTimeoutError::new_err(message),
        Error::Lock(LockError::Interrupted) | Error::Interrupted { .. } => PyInterruptedError::new_err((4, message)),
        Error::Lock(LockError::Unsupported { .. }) | Error::Unsupported { .. } => {
            PyNotImplementedError::new_err(message)
        }
        Error::Lock(_) | Error::WaitUnderLock { .. } | Error::Borrowed | Error::Unwound | Error::Conflict => {
            PyRuntimeError::new_err(message)
        }
        _ => PyException::new_err(message),
    }
}

/// The result of the library as a result of Python.
pub(crate) trait OrRaise<T> {
    /// Turns the error into an exception.
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for Result<T, Error> {
    #[inline]
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| exception(py, error))
    }
}

/// Returns whether another thread or process is in the way.
pub(crate) fn is_temporary(error: &Error) -> bool {
    let is_lock = matches!(error, Error::Lock(LockError::WouldBlock | LockError::TimedOut | LockError::Interrupted));
    is_lock || matches!(error, Error::TimedOut { .. } | Error::Interrupted { .. })
}

/// How long a call of Python may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience(Option<Instant>);

impl Patience {
    /// As long as needed.
    pub(crate) const UNLIMITED: Self = Self(None);

    /// Returns the patience for a timeout in seconds; `None` waits as long as needed.
    pub(crate) fn of(timeout: Option<f64>) -> PyResult<Self> {
        let Some(seconds) = timeout else { return Ok(Self::UNLIMITED) };
        let timeout = Duration::try_from_secs_f64(seconds.max(0.0))
            .map_err(|error| PyValueError::new_err(format!("timeout {seconds}: {error}")))?;
        Ok(Self(Instant::now().checked_add(timeout)))
    }

    /// Returns the rest of the time, up to a slice; `None` if the time is over.
    pub(crate) fn slice(self) -> Option<Duration> {
        let Some(end) = self.0 else { return Some(SLICE) };
        let rest = end.saturating_duration_since(Instant::now());
        (!rest.is_zero()).then(|| rest.min(SLICE))
    }
}

/// Makes a first attempt at once, with the interpreter's lock held. If another thread or process is in the way, tries again
/// without the interpreter's lock, in slices, and lets Python's signal handlers run in between.
///
/// So a holder of our lock that is another thread of this interpreter gets the interpreter's lock, and Ctrl-C is answered.
#[inline]
pub(crate) fn patiently<T: Send>(
    py: Python<'_>,
    patience: Patience,
    attempt: impl FnMut(Duration) -> Result<T, Error> + Send,
) -> PyResult<T> {
    patiently_if(py, patience, is_temporary, attempt)
}

/// Tries as `patiently` does, and makes the first attempt without the interpreter's lock too: for work that takes some time.
pub(crate) fn patiently_detached<T: Send>(
    py: Python<'_>,
    patience: Patience,
    mut attempt: impl FnMut(Duration) -> Result<T, Error> + Send,
) -> PyResult<T> {
    match py.detach(|| attempt(Duration::ZERO)) {
        Err(error) if is_temporary(&error) => wait(py, patience, error, is_temporary, attempt),
        result => result.or_raise(py),
    }
}

/// Tries as `patiently` does, as long as the error is one that may pass.
#[inline]
pub(crate) fn patiently_if<T: Send>(
    py: Python<'_>,
    patience: Patience,
    is_temporary: fn(&Error) -> bool,
    mut attempt: impl FnMut(Duration) -> Result<T, Error> + Send,
) -> PyResult<T> {
    match attempt(Duration::ZERO) {
        Err(error) if is_temporary(&error) => wait(py, patience, error, is_temporary, attempt),
        result => result.or_raise(py),
    }
}

#[cold]
fn wait<T: Send>(
    py: Python<'_>,
    patience: Patience,
    error: Error,
    is_temporary: fn(&Error) -> bool,
    mut attempt: impl FnMut(Duration) -> Result<T, Error> + Send,
) -> PyResult<T> {
    let attempt = |slice| attempt(slice).map_err(|error| if is_temporary(&error) { late(error) } else { error });
    in_slices(py, || patience.slice(), is_temporary, error, attempt)?.or_raise(py)
}

/// Returns the error for the end of the time: the wait was not given up because of the last slice, or of a signal.
fn late(error: Error) -> Error {
    match error {
        Error::Lock(_) => Error::Lock(LockError::TimedOut),
        Error::Interrupted { awaited } => Error::TimedOut { awaited },
        other => other,
    }
}
