//! `Runner`: the task or the greenlet that runs on this thread.

use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

/// The addresses of the task of `asyncio` or `trio`, and of the greenlet; 0 without one.
#[derive(Clone, Copy, Default)]
pub(super) struct Runner {
    task: usize,
    greenlet: usize,
}

impl Runner {
    /// Returns whether both are one. A program that has not imported greenlets yet has one of them, of which nothing is known.
    pub(super) fn is(self, other: Self) -> bool {
        let is_known = self.greenlet != 0 && other.greenlet != 0;
        self.task == other.task && (!is_known || self.greenlet == other.greenlet)
    }
}

/// The functions that tell what runs, of the modules that the program has imported.
struct Functions {
    running_loop: PyOnceLock<Py<PyAny>>,
    current_task: PyOnceLock<Py<PyAny>>,
    trio_task: PyOnceLock<Py<PyAny>>,
    greenlet: PyOnceLock<Py<PyAny>>,
}

static FUNCTIONS: Functions = Functions {
    running_loop: PyOnceLock::new(),
    current_task: PyOnceLock::new(),
    trio_task: PyOnceLock::new(),
    greenlet: PyOnceLock::new(),
};

/// How many modules there were when none of these modules was among them. A look at the number is cheaper than one at the names.
static NONE_AMONG: AtomicUsize = AtomicUsize::new(0);

fn modules(py: Python<'_>) -> PyResult<&Bound<'_, PyDict>> {
    static MODULES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let modules = MODULES.get_or_try_init(py, || {
        Ok::<_, PyErr>(py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?.unbind())
    })?;
    Ok(modules.bind(py))
}

/// Returns whether the program may run several tasks or greenlets on a thread.
#[inline]
pub(super) fn may_differ(py: Python<'_>) -> PyResult<bool> {
    let modules = modules(py)?;
    let count = modules.len();
    if count == NONE_AMONG.load(Ordering::Relaxed) {
        return Ok(false);
    }
    for name in [intern!(py, "asyncio"), intern!(py, "greenlet"), intern!(py, "trio")] {
        if modules.contains(name)? {
            return Ok(true);
        }
    }
    NONE_AMONG.store(count, Ordering::Relaxed);
    Ok(false)
}

/// Returns what runs.
pub(super) fn current(py: Python<'_>) -> PyResult<Runner> {
    if may_differ(py)? { Ok(Runner { task: task(py)?, greenlet: greenlet(py)? }) } else { Ok(Runner::default()) }
}

/// Returns the greenlet that runs, 0 if the program cannot have any: for code that is about to leave something on the stack, which
/// other greenlets of the thread take away while they run. Imports the module if it is installed: a greenlet that begins later is
/// told apart too.
pub(crate) fn stack(py: Python<'_>) -> PyResult<usize> {
    static IMPORTED: PyOnceLock<()> = PyOnceLock::new();
    // Without the module, there are no greenlets.
    IMPORTED.get_or_init(py, || drop(py.import(intern!(py, "greenlet"))));
    greenlet(py)
}

/// Returns a function of a module, once the program has imported the module.
fn function<'py>(
    py: Python<'py>,
    cell: &'static PyOnceLock<Py<PyAny>>,
    module: &Bound<'py, PyString>,
    function: &Bound<'py, PyString>,
) -> PyResult<Option<&'py Bound<'py, PyAny>>> {
    if cell.get(py).is_none() {
        // The module may be only half imported.
        let found = modules(py)?.get_item(module)?.map(|module| module.getattr_opt(function)).transpose()?.flatten();
        let Some(found) = found else { return Ok(None) };
        let _ = cell.set(py, found.unbind());
    }
    Ok(cell.get(py).map(|function| function.bind(py)))
}

fn task(py: Python<'_>) -> PyResult<usize> {
    let asyncio = intern!(py, "asyncio");
    if let Some(running) = function(py, &FUNCTIONS.running_loop, asyncio, intern!(py, "_get_running_loop"))? {
        let running = running.call0()?;
        if !running.is_none()
            && let Some(current) = function(py, &FUNCTIONS.current_task, asyncio, intern!(py, "current_task"))?
        {
            return Ok(current.call1((running,))?.as_ptr().addr());
        }
    }
    let trio = intern!(py, "trio.lowlevel");
    let Some(current) = function(py, &FUNCTIONS.trio_task, trio, intern!(py, "current_task"))? else { return Ok(0) };
    // Outside of a task it raises a `RuntimeError`.
    Ok(current.call0().map_or(0, |task| task.as_ptr().addr()))
}

fn greenlet(py: Python<'_>) -> PyResult<usize> {
    let current = function(py, &FUNCTIONS.greenlet, intern!(py, "greenlet"), intern!(py, "getcurrent"))?;
    current.map_or(Ok(0), |current| Ok(current.call0()?.as_ptr().addr()))
}
