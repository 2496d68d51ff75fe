//! `Flow`: which asyncio task or greenlet of a thread holds a lock.
//!
//! A lock belongs to a thread, and all tasks of an event loop run on one thread. So to the lock, a second task looks like its
//! holder. Each lock notes the task that took it. In a program without tasks and greenlets this costs two look-ups in a
//! dictionary. A context variable would not do: a task inherits those of the task that has started it, perhaps under the lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

/// The flow that took a lock, while the lock is held.
#[derive(Default)]
pub(super) struct Flow {
    /// It is locked only for as long as it is moved in or out.
    holder: Mutex<Option<Holder>>,
    /// Whether there is one. Only the holder of the lock changes it.
    is_known: AtomicBool,
}

enum Holder {
    /// An asyncio task, or the loop, for a callback of it.
    Task(Py<PyAny>),
    Greenlet(Py<PyAny>),
}

impl Flow {
    /// Notes that the present flow has taken the lock.
    pub(super) fn enter(&self, py: Python<'_>) -> PyResult<()> {
        let holder = match task(py)? {
            Some(task) => Some(Holder::Task(task.unbind())),
            None => greenlet(py)?.map(|greenlet| Holder::Greenlet(greenlet.unbind())),
        };
        self.put(holder);
        Ok(())
    }

    /// Returns whether the lock was taken in a task or in a greenlet.
    #[inline]
    pub(super) fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Relaxed)
    }

    /// Notes that the lock is free.
    pub(super) fn leave(&self) {
        self.put(None);
    }

    fn put(&self, holder: Option<Holder>) {
        if holder.is_none() && !self.is_known() {
            return;
        }
        self.is_known.store(holder.is_some(), Ordering::Relaxed);
        let mut held = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        let former = std::mem::replace(&mut *held, holder);
        drop(held);
        // It may run code of the program.
        drop(former);
    }

    /// Checks that the flow that took the lock asks for it again, or one that it waits for.
    ///
    /// # Errors
    /// `RuntimeError` if it is another one.
    pub(super) fn check(&self, py: Python<'_>) -> PyResult<()> {
        if !self.is_known() {
            return Ok(());
        }
        let held = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        let (holder, is_task) = match &*held {
            None => return Ok(()),
            Some(Holder::Task(task)) => (task.clone_ref(py), true),
            // The code that took the lock outside of a loop has not returned to one: a loop that runs now runs inside of it.
            Some(Holder::Greenlet(greenlet)) => (greenlet.clone_ref(py), false),
        };
        drop(held);
        let current = if is_task { task(py)? } else { greenlet(py)? };
        if current.is_some_and(|current| current.is(&holder)) { Ok(()) } else { Err(another()) }
    }
}

#[cold]
fn another() -> PyErr {
    PyRuntimeError::new_err(
        "another asyncio task or greenlet of this thread holds the lock: a lock belongs to a thread, so release it before an \
         `await` or a switch, or take it in a thread of its own",
    )
}

/// Returns the asyncio task that runs, or its loop if no task runs; `None` if there is no loop in this thread.
fn task(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    static LOOP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static TASK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

    let (modules, asyncio) = (modules(py)?, intern!(py, "asyncio"));
    let Some(running) = function(modules, &LOOP, asyncio, "_get_running_loop")? else { return Ok(None) };
    let running = running.call0()?;
    if running.is_none() {
        return Ok(None);
    }
    let Some(current) = function(modules, &TASK, asyncio, "current_task")? else { return Ok(Some(running)) };
    let task = current.call1((&running,))?;
    Ok(Some(if task.is_none() { running } else { task }))
}

/// Returns the greenlet that runs; `None` if the program has none.
fn greenlet(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    static CURRENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

    let current = function(modules(py)?, &CURRENT, intern!(py, "greenlet"), "getcurrent")?;
    current.map(|current| current.call0()).transpose()
}

fn modules(py: Python<'_>) -> PyResult<&Bound<'_, PyDict>> {
    static MODULES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let modules = MODULES.get_or_try_init(py, || {
        Ok::<_, PyErr>(py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?.unbind())
    })?;
    Ok(modules.bind(py))
}

/// Returns a function of a module, if the program has imported the module.
fn function<'py>(
    modules: &Bound<'py, PyDict>,
    known: &'static PyOnceLock<Py<PyAny>>,
    module: &Bound<'py, PyString>,
    name: &str,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = modules.py();
    if let Some(function) = known.get(py) {
        return Ok(Some(function.bind(py).clone()));
    }
    // A module that is being imported may lack the function still.
    let Some(function) = modules.get_item(module)?.map(|module| module.getattr_opt(name)).transpose()?.flatten() else {
        return Ok(None);
    };
    Ok(Some(known.get_or_init(py, || function.unbind()).bind(py).clone()))
}
