//! Waiting while other threads of the interpreter run, and while Ctrl-C is answered.

use std::time::Duration;

use pyo3::prelude::*;
use shared_value::{Error, interruptible};

/// For how long a wait does not look at signals. One that comes right before the thread falls asleep does not wake it.
pub(crate) const SLICE: Duration = Duration::from_millis(20);

/// Makes attempts without the interpreter's lock, which the thread may hold while the holder of another lock waits for it. Each one
/// takes at most as long as `slice` says, until that is `None`; in between, Python's signal handlers run. `error` is that of an
/// attempt before.
///
/// Returns the result of the first attempt whose error is not temporary, or the last error.
///
/// # Errors
/// What a signal handler raises, such as `KeyboardInterrupt`, after an attempt that has failed. After one that has succeeded, the
/// interpreter runs the handlers itself.
pub(crate) fn in_slices<T: Send>(
    py: Python<'_>,
    slice: impl Fn() -> Option<Duration>,
    is_temporary: impl Fn(&Error) -> bool,
    mut error: Error,
    mut attempt: impl FnMut(Duration) -> Result<T, Error> + Send,
) -> PyResult<Result<T, Error>> {
    while let Some(slice) = slice() {
        match py.detach(|| interruptible(|| attempt(slice))) {
            Err(failed) if is_temporary(&failed) => error = failed,
            result => return Ok(result),
        }
        py.check_signals()?;
    }
    Ok(Err(error))
}
