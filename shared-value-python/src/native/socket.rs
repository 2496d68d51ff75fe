//! `Socket`: a Unix socket of the program, over which values are sent and received.

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use pyo3::exceptions::{PyBlockingIOError, PyTimeoutError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;
use shared_value::{Error, interruptible_within};

use crate::native::descriptor::duplicate;
use crate::native::error::{OrRaise, Patience, is_temporary};
use crate::wait::SLICE;

/// A duplicate of a Unix socket.
pub(crate) struct Socket {
    stream: UnixStream,
    /// For how many seconds its calls wait, as `settimeout` says; `None` for as long as needed.
    timeout: Option<f64>,
}

impl Socket {
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        let stream = duplicate(object.call_method0(intern!(py, "fileno"))?.extract()?)?.into();
        // Other objects with a descriptor may have no timeout.
        let timeout = object.getattr_opt(intern!(py, "gettimeout"))?;
        let timeout = timeout.map(|timeout| timeout.call0()?.extract()).transpose()?.flatten();
        Ok(Self { stream, timeout })
    }

    pub(crate) fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Receives something for at most `wait` seconds, or else as long as the socket's own timeout says.
    pub(crate) fn receive<T: Send>(
        &self,
        py: Python<'_>,
        wait: Option<f64>,
        attempt: impl FnMut() -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        self.patiently(py, intern!(py, "POLLIN"), wait.or(self.timeout), attempt)
    }

    /// Sends something, and waits for room as long as the socket's own timeout says.
    pub(crate) fn send(&self, py: Python<'_>, attempt: impl FnMut() -> Result<(), Error> + Send) -> PyResult<()> {
        self.patiently(py, intern!(py, "POLLOUT"), self.timeout, attempt)
    }

    /// Makes an attempt when the socket is ready for it, and again if another thread was faster. Waits by Python's `select`, which
    /// frameworks of greenlets replace.
    fn patiently<T: Send>(
        &self,
        py: Python<'_>,
        event: &Bound<'_, PyString>,
        limit: Option<f64>,
        mut attempt: impl FnMut() -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        let patience = Patience::of(limit)?;
        let select = py.import(intern!(py, "select"))?;
        let poll = select.call_method0(intern!(py, "poll"))?;
        poll.call_method1(intern!(py, "register"), (self.stream.as_raw_fd(), select.getattr(event)?))?;
        loop {
            let slice = patience.slice();
            let milliseconds = slice.unwrap_or(Duration::ZERO).as_secs_f64() * 1000.0;
            let is_ready = poll.call_method1(intern!(py, "poll"), (milliseconds,))?.is_truthy()?;
            // A socket with a timeout is one that does not block. It may have room for a message while it is not yet called ready.
            if is_ready || self.timeout.is_some() {
                match py.detach(|| interruptible_within(SLICE, &mut attempt)) {
                    Err(error) if is_temporary(&error) || would_block(&error) => {}
                    result => return result.or_raise(py),
                }
            }
            py.check_signals()?;
            if slice.is_none() {
                return Err(match limit {
                    Some(limit) if limit > 0.0 => {
                        PyTimeoutError::new_err("timed out: the socket was not ready in time")
                    }
                    _ => PyBlockingIOError::new_err((
                        11,
                        "the socket is not ready: nothing to receive, or no room to send",
                    )),
                });
            }
        }
    }
}

fn would_block(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::WouldBlock)
}
