//! `Changes`: waiting for commits.

use std::future::Future;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use shared_value::{Dyn, DynData, Error, ReadOnly, ReadWrite};

use crate::native::data::convert::to_python;
use crate::native::error::{OrRaise, Patience, patiently};
use crate::native::handle::root::Root;
use crate::native::handle::value::Value;

/// The changes of a value from now on: each call returns the latest value. The values in between are skipped.
#[pyclass(frozen, module = "shared_value")]
pub(crate) struct Changes {
    root: Arc<Root>,
    state: Mutex<State>,
}

#[derive(Clone)]
enum State {
    ReadWrite(shared_value::Changes<Dyn, ReadWrite>),
    ReadOnly(shared_value::Changes<Dyn, ReadOnly>),
}

impl Changes {
    fn of(value: &Value) -> PyResult<Self> {
        value.expect_whole()?;
        let state = match &*value.root {
            Root::ReadWrite(value) => State::ReadWrite(value.changes()),
            Root::ReadOnly(value) => State::ReadOnly(value.changes()),
            Root::Unlocked(_) => {
                return Err(PyTypeError::new_err("a value without a lock has no versions to wait for"));
            }
        };
        Ok(Self { root: Arc::clone(&value.root), state: Mutex::new(state) })
    }

    /// Returns a copy. Several threads or tasks may wait at once: each gets the next change.
    fn copy(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

/// Return the changes of a value from now on.
#[pyfunction]
pub(crate) fn changes_of(value: &Bound<'_, Value>) -> PyResult<Changes> {
    Changes::of(value.get())
}

#[pymethods]
impl Changes {
    /// Wait for a commit after the last call, and return the latest value. `TimeoutError` if there was none in time.
    #[pyo3(signature = (timeout = None))]
    fn next(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let patience = Patience::of(timeout)?;
        let mut state = self.copy();
        let found = patiently(py, patience, |timeout| match &mut state {
            State::ReadWrite(changes) => changes.next_timeout(timeout),
            State::ReadOnly(changes) => changes.next_timeout(timeout),
        });
        self.put(state);
        Ok(to_python(py, self.root.layout(), &found?)?.unbind())
    }

    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.next(py, None)
    }

    /// Begins to wait without blocking the thread. Used by `changed()`.
    fn _begin(this: Bound<'_, Self>) -> PyResult<Wait> {
        let future: Waiting = match this.get().copy() {
            State::ReadWrite(mut changes) => Box::pin(async move {
                let found = changes.changed().await;
                (State::ReadWrite(changes), found)
            }),
            State::ReadOnly(mut changes) => Box::pin(async move {
                let found = changes.changed().await;
                (State::ReadOnly(changes), found)
            }),
        };
        let (receiver, sender) = UnixStream::pair()?;
        receiver.set_nonblocking(true)?;
        sender.set_nonblocking(true)?;
        let signal = Waker::from(Arc::new(Signal(sender)));
        Ok(Wait { changes: this.unbind(), future: Mutex::new(Some(future)), receiver, signal })
    }
}

type Waiting = Pin<Box<dyn Future<Output = (State, Result<DynData, Error>)> + Send>>;

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
    changes: Py<Changes>,
    future: Mutex<Option<Waiting>>,
    receiver: UnixStream,
    signal: Waker,
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
        let mut future = self.future.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(waiting) = future.as_mut() else { return Err(PyRuntimeError::new_err("the wait has ended")) };
        let Poll::Ready((state, found)) = waiting.as_mut().poll(&mut Context::from_waker(&self.signal)) else {
            return Ok(None);
        };
        *future = None;
        drop(future);
        let changes = self.changes.get();
        changes.put(state);
        Ok(Some((to_python(py, changes.root.layout(), &found.or_raise(py)?)?.unbind(),)))
    }
}
