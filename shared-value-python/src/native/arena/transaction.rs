//! `Transaction`: changes of several values of an arena in one commit.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::thread::{self, ThreadId};

use pyo3::exceptions::{PyException, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use shared_value::{Attempts, Dyn, DynValue, interruptible_within};

use crate::native::arena::map::{Arena, detached, missing};
use crate::native::data::layout::Layout;
use crate::native::error::OrRaise;
use crate::native::handle::holds::{self, InTransaction};
use crate::native::handle::root::Root;
use crate::native::handle::runner;
use crate::native::handle::value::Value;
use crate::native::open::{Extent, First};
use crate::wait::SLICE;

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

    fn get_mut(&mut self) -> &mut T {
        &mut self.0
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
    let mut attempts = arena.get().writable()?.transaction_attempts().or_raise(py)?;
    loop {
        let transaction = begin(py, &mut attempts)?;
        let result = call(py, &transaction, function);
        // An exception such as `KeyboardInterrupt` cannot come from what another process has changed.
        let result = match result {
            Err(error) if !error.is_instance_of::<PyException>(py) => Err(transaction.abort(error)),
            result => result,
        };
        if end(py, &mut attempts, transaction, result.is_ok())? {
            return result;
        }
    }
}

/// Begins an attempt. Like all waits it is without the interpreter's lock, and the function of the transaction is called with it:
/// while that runs, another greenlet of the thread may begin or end a transaction, in any order.
fn begin<'a>(py: Python<'_>, attempts: &mut Attempts<'a>) -> PyResult<shared_value::Transaction<'a>> {
    let mut attempts = Here(attempts);
    let begun = detached(py, move || attempts.get_mut().begin().map(Here))?;
    Ok(begun.0)
}

/// Ends an attempt. Returns whether the transaction is over.
fn end<'a>(
    py: Python<'_>,
    attempts: &mut Attempts<'a>,
    transaction: shared_value::Transaction<'a>,
    has_succeeded: bool,
) -> PyResult<bool> {
    let (mut attempts, ending) = (Here(attempts), Here(&transaction));
    let ended = detached(py, move || attempts.get_mut().end(ending.get(), has_succeeded));
    if ended.is_err() {
        // This rolls back. If the lock of the arena cannot be had for that, others free what the transaction has made.
        let left = Here(transaction);
        py.detach(move || interruptible_within(SLICE, move || drop(left)));
    }
    ended
}

fn call(
    py: Python<'_>,
    transaction: &shared_value::Transaction<'_>,
    function: &Bound<'_, PyAny>,
) -> PyResult<Py<PyAny>> {
    let current = ptr::from_ref(transaction).cast_mut().cast();
    let (thread, greenlet) = (thread::current().id(), runner::stack(py)?);
    let object = Bound::new(py, Transaction { current: AtomicPtr::new(current), thread, greenlet })?;
    let _ended = Ended(object.get());
    // The locks are released when the function has returned, before other code of Python runs on this thread.
    let _in_transaction = InTransaction::begin(number(&object), greenlet);
    Ok(function.call1((object.clone(),))?.unbind())
}

/// Returns a number that no other transaction has as long as this one lives.
fn number(transaction: &Bound<'_, Transaction>) -> usize {
    transaction.as_ptr().addr()
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

    fn join(this: &Bound<'_, Self>, value: &DynValue) -> PyResult<()> {
        let (py, greenlet) = (this.py(), this.get().greenlet);
        let transaction = Here(this.get().current(py)?);
        detached(py, move || {
            let guard = transaction.get().lock(value)?;
            drop(guard);
            Ok(())
        })?;
        holds::join(value, number(this), greenlet);
        Ok(())
    }
}

#[pymethods]
impl Transaction {
    /// Lock the value of a key, and return its handle.
    fn __getitem__(this: &Bound<'_, Self>, key: &str) -> PyResult<Py<PyAny>> {
        let py = this.py();
        let value = this.get().current(py)?.get::<Dyn>(key).or_raise(py)?.ok_or_else(|| missing(key))?;
        Self::join(this, &value)?;
        Ok(Value::whole(py, Root::ReadWrite(value))?.unbind())
    }

    /// Lock the value of a handle of this arena; return the handle.
    fn lock<'py>(this: &Bound<'py, Self>, value: Bound<'py, Value>) -> PyResult<Bound<'py, Value>> {
        match &*value.get().root {
            Root::ReadWrite(found) => Self::join(this, found)?,
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
