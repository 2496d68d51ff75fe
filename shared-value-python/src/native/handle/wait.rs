//! `Wait`: a wait that an event loop watches.

use std::future::Future;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// Makes the object of what was awaited.
pub(crate) type Finish = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

type Waiting = Pin<Box<dyn Future<Output = Finish> + Send>>;

/// Makes the descriptor of a wait readable. It needs no interpreter: the thread that waits for all tasks calls it.
struct Signal(UnixStream);

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        // If the buffer is full, the descriptor is readable already.
        let _ = (&self.0).write(&[1]);
    }
}

/// A wait that an event loop watches.
#[pyclass(frozen, module = "shared_value")]
pub(crate) struct Wait {
    future: Mutex<Option<Waiting>>,
    receiver: UnixStream,
    signal: Waker,
}

impl Wait {
    /// Begins to wait without blocking the thread.
    pub(crate) fn new(future: impl Future<Output = Finish> + Send + 'static) -> PyResult<Self> {
        let (receiver, sender) = UnixStream::pair()?;
        receiver.set_nonblocking(true)?;
        sender.set_nonblocking(true)?;
        let signal = Waker::from(Arc::new(Signal(sender)));
        Ok(Self { future: Mutex::new(Some(Box::pin(future))), receiver, signal })
    }

    fn future(&self) -> MutexGuard<'_, Option<Waiting>> {
        self.future.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Wait {
    /// The descriptor that becomes readable when `poll` may have a value.
    fn fileno(&self) -> i32 {
        self.receiver.as_raw_fd()
    }

    /// Return the value in a tuple; `None` before there is a new one.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<(Py<PyAny>,)>> {
        let mut received = [0; 64];
        while matches!((&self.receiver).read(&mut received), Ok(count) if count > 0) {}
        let mut future = self.future();
        let Some(waiting) = future.as_mut() else { return Err(PyRuntimeError::new_err("the wait has ended")) };
        let Poll::Ready(finish) = waiting.as_mut().poll(&mut Context::from_waker(&self.signal)) else {
            return Ok(None);
        };
        let ended = future.take();
        drop(future);
        drop(ended);
        Ok(Some((finish(py)?,)))
    }

    /// End the wait.
    fn close(&self) {
        let ended = self.future().take();
        drop(ended);
    }
}
