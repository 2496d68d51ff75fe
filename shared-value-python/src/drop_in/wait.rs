//! Waiting for a lock, as long as Python's arguments say.

use std::time::{Duration, Instant};

use pyo3::Borrowed;
use pyo3::prelude::*;
use shared_value::{Error, LockError};

use super::cell::Cell;
use super::error::exception;
use crate::wait::{SLICE, in_slices};

/// Whether an argument is true, whatever its type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Truth(pub(super) bool);

impl<'py> FromPyObject<'_, 'py> for Truth {
    type Error = PyErr;

    fn extract(argument: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        argument.is_truthy().map(Self)
    }
}

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub(super) enum Limit {
    /// Not at all.
    Now,
    At(Instant),
    Never,
}

impl Limit {
    /// Returns the limit that Python's arguments mean: `timeout`, in seconds, counts only if `block` is true; `None` is no limit, and
    /// a negative one is zero.
    pub(super) fn of(Truth(block): Truth, timeout: Option<f64>) -> Self {
        if !block {
            return Self::Now;
        }
        let Some(seconds) = timeout else { return Self::Never };
        if seconds <= 0.0 || seconds.is_nan() {
            return Self::Now;
        }
        // A time that the clock does not reach is no limit.
        let at = Duration::try_from_secs_f64(seconds).ok().and_then(|timeout| Instant::now().checked_add(timeout));
        at.map_or(Self::Never, Self::At)
    }

    /// Returns for how long to sleep next; `None` if the time is over.
    fn slice(self) -> Option<Duration> {
        match self {
            Self::Now => None,
            Self::Never => Some(SLICE),
            Self::At(end) => {
                let left = end.saturating_duration_since(Instant::now());
                (!left.is_zero()).then(|| left.min(SLICE))
            }
        }
    }
}

/// What an attempt to take a lock has led to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Taken {
    Now,
    /// The time is over.
    Not,
    /// This thread holds the lock, which it may not take again.
    Held,
}

/// Takes the lock of a cell.
///
/// # Errors
/// What a signal handler raises, such as `KeyboardInterrupt`; the exceptions of the lock.
#[inline]
pub(super) fn acquire(py: Python<'_>, cell: &Cell, limit: Limit) -> PyResult<Taken> {
    match cell.try_acquire() {
        Ok(()) => Ok(Taken::Now),
        Err(error) => wait(py, cell, limit, error),
    }
}

#[cold]
fn wait(py: Python<'_>, cell: &Cell, limit: Limit, error: Error) -> PyResult<Taken> {
    let acquired = if is_held_elsewhere(&error) {
        in_slices(py, || limit.slice(), is_held_elsewhere, error, |slice| cell.acquire_within(slice))?
    } else {
        Err(error)
    };
    match acquired {
        Ok(()) => Ok(Taken::Now),
        Err(error) if is_held_elsewhere(&error) => Ok(Taken::Not),
        Err(Error::Lock(LockError::AlreadyHeld)) => Ok(Taken::Held),
        Err(error) => Err(exception(&error)),
    }
}

/// Returns whether another thread or process holds the lock.
fn is_held_elsewhere(error: &Error) -> bool {
    matches!(error, Error::Lock(LockError::WouldBlock | LockError::TimedOut | LockError::Interrupted))
}

/// Waits until the time is over, for a lock that never gets free meanwhile.
///
/// # Errors
/// What a signal handler raises.
pub(super) fn sleep(py: Python<'_>, limit: Limit) -> PyResult<()> {
    while let Some(slice) = limit.slice() {
        py.detach(|| std::thread::sleep(slice));
        py.check_signals()?;
    }
    Ok(())
}
