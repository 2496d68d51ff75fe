//! `Transaction`: changes of several values of an arena in one commit.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::thread::{self, ThreadId};

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use shared_value::{Dyn, DynValue, Error, interruptible};

use crate::native::arena::map::{Arena, detached, missing, raised};
use crate::native::data::layout::Layout;
use crate::native::error::{OrRaise, is_temporary};
use crate::native::handle::root::Root;
use crate::native::handle::runner;
use crate::native::handle::value::Value;
use crate::native::open::{Extent, First};

/// A transaction in progress: the argument of the function that `Arena.transaction` calls. `tx[key]` locks a value and returns
/// its handle.
#[pyclass(frozen, module = "shared_value")]
pub(crate) struct Transaction {
    /// The transaction, as long as it is in progress.
    current: AtomicPtr<shared_value::Transaction<'static>>,
    thread: ThreadId,
    /// The greenlet on whose stack the transaction lies.
    greenlet: usize,
}

/// Something that is used by this thread only, in a closure that has to be `Send`.
struct Here<T>(T);

// SAFETY: `Python::detach` calls its closure on the calling thread, so nothing is sent to another one.
unsafe impl<T> Send for Here<T> {}

impl<T> Here<T> {
    /// Takes the whole wrapper into the closure, and not its field alone.
    fn get(&self) -> &T {
        &self.0
    }
}

/// Why a transaction has failed.
enum Failure {
    Shared(Error),
    Python(PyErr),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Shared(error)
    }
}

/// Ends the use of a transaction by Python when its function has returned.
struct Ended<'a>(&'a Transaction);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.current.store(ptr::null_mut(), Ordering::Relaxed);
    }
}

/// Run a function with a transaction. Used by `Arena.transaction`.
#[pyfunction]
pub(crate) fn run_transaction(
    py: Python<'_>,
    arena: &Bound<'_, Arena>,
    function: &Bound<'_, PyAny>,
) -> PyResult<Py<PyAny>> {
    let function = function.clone().unbind();
    let arena = arena.get().writable()?;
    loop {
        // The waits of the transaction itself are without the interpreter's lock; the function is called with it.
        let result = py.detach(|| {
            interruptible(|| {
                arena.try_transaction(|transaction| {
                    Python::attach(|py| call(py, transaction, &function)).map_err(Failure::Python)
                })
            })
        });
        match result {
            Ok(result) => return Ok(result),
            Err(Failure::Python(error)) => return Err(error),
            Err(Failure::Shared(error)) if is_temporary(&error) => py.check_signals()?,
            Err(Failure::Shared(error)) => return Err(raised(py, error)),
        }
    }
}

fn call(py: Python<'_>, transaction: &shared_value::Transaction<'_>, function: &Py<PyAny>) -> PyResult<Py<PyAny>> {
    let current = ptr::from_ref(transaction).cast_mut().cast();
    let (thread, greenlet) = (thread::current().id(), runner::stack(py)?);
    let object = Bound::new(py, Transaction { current: AtomicPtr::new(current), thread, greenlet })?;
    let _ended = Ended(object.get());
    function.call1(py, (object.clone(),))
}

impl Transaction {
    /// Returns the transaction, if it is in progress and this is its thread and its greenlet.
    fn current(&self, py: Python<'_>) -> PyResult<&shared_value::Transaction<'_>> {
        if thread::current().id() != self.thread || runner::stack(py)? != self.greenlet {
            return Err(PyRuntimeError::new_err("a transaction belongs to the thread and the greenlet that began it"));
        }
        let current = self.current.load(Ordering::Relaxed).cast_const();
        // SAFETY: it is not null only while the function runs that the transaction calls, on this thread. So the transaction lies on
        // the stack below this call, which is that of its greenlet, and no other one is in its place. The reference is used in this
        // call of a method, which ends before the function does.
        let current = unsafe { current.as_ref() };
        current.ok_or_else(|| PyRuntimeError::new_err("the transaction has ended"))
    }

    fn join(&self, py: Python<'_>, value: &DynValue) -> PyResult<()> {
        let transaction = Here(self.current(py)?);
        detached(py, move || {
            let guard = transaction.get().lock(value)?;
            drop(guard);
            Ok(())
        })
    }
}

#[pymethods]
impl Transaction {
    /// Lock the value of a key, and return its handle.
    fn __getitem__(&self, py: Python<'_>, key: &str) -> PyResult<Py<PyAny>> {
        let value = self.current(py)?.get::<Dyn>(key).or_raise(py)?.ok_or_else(|| missing(key))?;
        self.join(py, &value)?;
        Ok(Value::whole(py, Root::ReadWrite(value))?.unbind())
    }

    /// Lock the value of a handle of this arena; return the handle.
    fn lock<'py>(&self, py: Python<'py>, value: Bound<'py, Value>) -> PyResult<Bound<'py, Value>> {
        match &*value.get().root {
            Root::ReadWrite(found) => self.join(py, found)?,
            _ => return Err(PyTypeError::new_err("the handle cannot lock its value")),
        }
        Ok(value)
    }

    fn __contains__(&self, py: Python<'_>, key: &str) -> PyResult<bool> {
        Ok(self.current(py)?.get::<Dyn>(key).or_raise(py)?.is_some())
    }

    #[pyo3(name = "_insert", signature = (key, layout, value = None, *, length = None, capacity = None, data = None, replace = false))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn insert(
        &self,
        py: Python<'_>,
        key: &str,
        layout: &Layout,
        value: Option<&Bound<'_, PyAny>>,
        length: Option<usize>,
        capacity: Option<usize>,
        data: Option<&Bound<'_, PyAny>>,
        replace: bool,
    ) -> PyResult<Py<PyAny>> {
        let layout = &layout.0;
        let first = &First::of(py, layout, value, Extent { length, capacity }, data)?;
        let transaction = Here(self.current(py)?);
        let value = detached(py, move || {
            let (transaction, initial) = (*transaction.get(), first.initial(layout));
            if replace { transaction.replace::<Dyn>(key, initial) } else { transaction.insert::<Dyn>(key, initial) }
        })?;
        Ok(Value::whole(py, Root::ReadWrite(value))?.unbind())
    }

    /// Remove a key; return whether there was one.
    fn remove(&self, py: Python<'_>, key: &str) -> PyResult<bool> {
        self.current(py)?.remove(key).or_raise(py)
    }
}
