//! `Runner`: the task or the greenlet that runs on this thread.

use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::task::{asyncio_task, function, greenlet, modules};

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

/// How many modules there were when none of these modules was among them. A look at the number is cheaper than one at the names.
static NONE_AMONG: AtomicUsize = AtomicUsize::new(0);

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
    if may_differ(py)? {
        Ok(Runner { task: task(py)?, greenlet: address(greenlet(py)?) })
    } else {
        Ok(Runner::default())
    }
}

/// Returns the greenlet that runs, 0 if the program cannot have any: for code that is about to leave something on the stack, which
/// other greenlets of the thread take away while they run. Imports the module if it is installed: a greenlet that begins later is
/// told apart too.
pub(crate) fn stack(py: Python<'_>) -> PyResult<usize> {
    static IMPORTED: PyOnceLock<()> = PyOnceLock::new();
    // Without the module, there are no greenlets.
    IMPORTED.get_or_init(py, || drop(py.import(intern!(py, "greenlet"))));
    Ok(address(greenlet(py)?))
}

fn task(py: Python<'_>) -> PyResult<usize> {
    static TRIO: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    if let Some(task) = asyncio_task(py)? {
        return Ok(task.as_ptr().addr());
    }
    let current = function(py, &TRIO, intern!(py, "trio.lowlevel"), "current_task")?;
    // Outside of a task it raises a `RuntimeError`.
    Ok(address(current.and_then(|current| current.call0().ok())))
}

fn address(object: Option<Bound<'_, PyAny>>) -> usize {
    object.map_or(0, |object| object.as_ptr().addr())
}
