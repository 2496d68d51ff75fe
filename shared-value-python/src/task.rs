//! The asyncio task and the greenlet that run on this thread.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

/// Returns the asyncio task that runs, or its loop if no task runs; `None` if there is no loop in this thread.
pub(crate) fn asyncio_task(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    static LOOP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static TASK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

    let asyncio = intern!(py, "asyncio");
    let Some(running) = function(py, &LOOP, asyncio, "_get_running_loop")? else { return Ok(None) };
    let running = running.call0()?;
    if running.is_none() {
        return Ok(None);
    }
    let Some(current) = function(py, &TASK, asyncio, "current_task")? else { return Ok(Some(running)) };
    let task = current.call1((&running,))?;
    Ok(Some(if task.is_none() { running } else { task }))
}

/// Returns the greenlet that runs; `None` if the program has none.
pub(crate) fn greenlet(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    static CURRENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

    let current = function(py, &CURRENT, intern!(py, "greenlet"), "getcurrent")?;
    current.map(|current| current.call0()).transpose()
}

/// Returns the modules that the program has imported.
pub(crate) fn modules(py: Python<'_>) -> PyResult<&Bound<'_, PyDict>> {
    static MODULES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let modules = MODULES.get_or_try_init(py, || {
        Ok::<_, PyErr>(py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?.unbind())
    })?;
    Ok(modules.bind(py))
}

/// Returns a function of a module, if the program has imported the module.
pub(crate) fn function<'py>(
    py: Python<'py>,
    known: &'static PyOnceLock<Py<PyAny>>,
    module: &Bound<'py, PyString>,
    name: &str,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    if let Some(function) = known.get(py) {
        return Ok(Some(function.bind(py).clone()));
    }
    // A module that is being imported may lack the function still.
    let Some(function) = modules(py)?.get_item(module)?.map(|module| module.getattr_opt(name)).transpose()?.flatten()
    else {
        return Ok(None);
    };
    Ok(Some(known.get_or_init(py, || function.unbind()).bind(py).clone()))
}
