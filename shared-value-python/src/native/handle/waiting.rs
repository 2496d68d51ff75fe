//! `Changes`: waiting for commits.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use shared_value::{Dyn, DynData, Error, ReadOnly, ReadWrite};

use crate::native::data::reader::Known;
use crate::native::error::{OrRaise, Patience, patiently};
use crate::native::handle::root::Root;
use crate::native::handle::value::Value;
use crate::native::handle::wait::{Finish, Wait};

/// The changes of a value from now on: each call returns the latest value. The values in between are skipped.
#[pyclass(frozen, module = "shared_value")]
pub(crate) struct Changes {
    root: Arc<Root>,
    state: Mutex<State>,
    reader: Known,
}

#[derive(Clone)]
enum State {
    ReadWrite(shared_value::Changes<Dyn, ReadWrite>),
    ReadOnly(shared_value::Changes<Dyn, ReadOnly>),
}

impl Changes {
    fn of(py: Python<'_>, value: &Value) -> PyResult<Self> {
        value.expect_whole()?;
        let state = match &*value.root {
            Root::ReadWrite(value) => State::ReadWrite(value.changes()),
            Root::ReadOnly(value) => State::ReadOnly(value.changes()),
            Root::Unlocked(_) => {
                return Err(PyTypeError::new_err("a value without a lock has no versions to wait for"));
            }
        };
        let changes = Self { root: Arc::clone(&value.root), state: Mutex::new(state), reader: Known::default() };
        value.reader.copy_to(py, &changes.reader);
        Ok(changes)
    }

    /// Returns a copy. Several threads or tasks may wait at once: each gets the next change.
    fn copy(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    fn read(&self, py: Python<'_>, data: &DynData) -> PyResult<Py<PyAny>> {
        Ok(self.reader.get(py, self.root.layout())?.read(py, data)?.unbind())
    }

    fn finish(&self, py: Python<'_>, state: State, found: Result<DynData, Error>) -> PyResult<Py<PyAny>> {
        self.put(state);
        self.read(py, &found.or_raise(py)?)
    }
}

/// Return the changes of a value from now on.
#[pyfunction]
pub(crate) fn changes_of(value: &Bound<'_, Value>) -> PyResult<Changes> {
    Changes::of(value.py(), value.get())
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
        self.read(py, &found?)
    }

    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.next(py, None)
    }

    /// Begins to wait without blocking the thread. Used by `changed()`.
    fn _begin(this: Bound<'_, Self>) -> PyResult<Wait> {
        let (state, this) = (this.get().copy(), this.unbind());
        Wait::new(async move {
            let (state, found) = match state {
                State::ReadWrite(mut changes) => {
                    let found = changes.changed().await;
                    (State::ReadWrite(changes), found)
                }
                State::ReadOnly(mut changes) => {
                    let found = changes.changed().await;
                    (State::ReadOnly(changes), found)
                }
            };
            Box::new(move |py: Python<'_>| this.get().finish(py, state, found)) as Finish
        })
    }
}
