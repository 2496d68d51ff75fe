//! `ArenaChanges`: waiting for changes of the values of an arena.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use shared_value::{ArenaChange, Error, ReadOnly, ReadWrite};

use crate::native::arena::map::{Arena, Either};
use crate::native::error::{OrRaise, Patience, patiently};
use crate::native::handle::wait::{Finish, Wait};

/// The changes of an arena from now on, of all keys that fit a pattern. Each call returns the next one, a `Change`: its `kind` is
/// `"added"`, `"changed"` or `"removed"`, its `key` the key.
#[pyclass(frozen, weakref, module = "shared_value")]
pub(crate) struct ArenaChanges {
    /// What knows the changes; `None` while a call waits with it.
    state: Arc<Mutex<Option<State>>>,
}

enum State {
    ReadWrite(shared_value::ArenaChanges<ReadWrite>),
    ReadOnly(shared_value::ArenaChanges<ReadOnly>),
}

/// The state while a call has it. It goes back when the call ends, also if a task is cancelled.
struct Loan {
    state: Option<State>,
    home: Arc<Mutex<Option<State>>>,
}

impl Loan {
    fn of(changes: &ArenaChanges) -> PyResult<Self> {
        let home = Arc::clone(&changes.state);
        let state = home.lock().unwrap_or_else(PoisonError::into_inner).take();
        if state.is_none() {
            return Err(PyRuntimeError::new_err(
                "another thread or task waits for these changes: give each one changes of its own, by another call of changes()",
            ));
        }
        Ok(Self { state, home })
    }

    async fn changed(mut self) -> Result<ArenaChange, Error> {
        match &mut self.state {
            Some(State::ReadWrite(changes)) => changes.changed().await,
            Some(State::ReadOnly(changes)) => changes.changed().await,
            None => Err(NO_STATE),
        }
    }
}

/// The error for a loan without a state, which `Loan::of` does not make.
const NO_STATE: Error = Error::Unsupported { what: "a wait without anything to wait for" };

impl Drop for Loan {
    fn drop(&mut self) {
        let mut home = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        *home = self.state.take();
    }
}

impl ArenaChanges {
    pub(super) fn of(py: Python<'_>, arena: &Arena, pattern: &str) -> PyResult<Self> {
        let state = py.detach(|| match &arena.0 {
            Either::ReadWrite(arena) => arena.changes(pattern).map(State::ReadWrite),
            Either::ReadOnly(arena) => arena.changes(pattern).map(State::ReadOnly),
        });
        Ok(Self { state: Arc::new(Mutex::new(Some(state.or_raise(py)?))) })
    }
}

#[pymethods]
impl ArenaChanges {
    /// Wait for a change after the last call, and return it. `TimeoutError` if there was none in time.
    #[pyo3(signature = (timeout = None))]
    fn next(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let patience = Patience::of(timeout)?;
        let mut loan = Loan::of(self)?;
        let found = patiently(py, patience, |timeout| match &mut loan.state {
            Some(State::ReadWrite(changes)) => changes.next_timeout(timeout),
            Some(State::ReadOnly(changes)) => changes.next_timeout(timeout),
            None => Err(NO_STATE),
        });
        drop(loan);
        change(py, &found?)
    }

    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.next(py, None)
    }

    /// Begins to wait without blocking the thread. Used by `Arena.changed()`.
    fn _begin(&self) -> PyResult<Wait> {
        let loan = Loan::of(self)?;
        Wait::new(async move {
            let found = loan.changed().await;
            Box::new(move |py: Python<'_>| change(py, &found.or_raise(py)?)) as Finish
        })
    }
}

/// Returns the `Change` of Python.
fn change(py: Python<'_>, change: &ArenaChange) -> PyResult<Py<PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let kind = match change {
        ArenaChange::Added { .. } => "added",
        ArenaChange::Removed { .. } => "removed",
        _ => "changed",
    };
    let class = CLASS
        .get_or_try_init(py, || Ok::<_, PyErr>(py.import("shared_value._changes")?.getattr("Change")?.unbind()))?;
    class.call1(py, (kind, change.key()))
}
