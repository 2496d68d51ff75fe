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

/// The modules by which a thread can run several tasks or greenlets, as bits.
#[derive(Clone, Copy)]
struct Imported(usize);

impl Imported {
    const ASYNCIO: usize = 1;
    const GREENLET: usize = 2;
    const TRIO: usize = 4;
    const BITS: u32 = 3;

    /// Returns those that the program has imported.
    #[inline]
    fn now(py: Python<'_>) -> PyResult<Self> {
        /// How many modules there were at the last look at their names, and these bits below. A look at the number is cheaper.
        static LAST: AtomicUsize = AtomicUsize::new(usize::MAX);
        let modules = modules(py)?;
        let (count, last) = (modules.len(), LAST.load(Ordering::Relaxed));
        if last >> Self::BITS == count {
            return Ok(Self(last & ((1 << Self::BITS) - 1)));
        }
        let mut found = 0;
        let names = [
            (intern!(py, "asyncio"), Self::ASYNCIO),
            (intern!(py, "greenlet"), Self::GREENLET),
            (intern!(py, "trio"), Self::TRIO),
        ];
        for (name, bit) in names {
            if modules.contains(name)? {
                found |= bit;
            }
        }
        LAST.store(count << Self::BITS | found, Ordering::Relaxed);
        Ok(Self(found))
    }

    fn has(self, module: usize) -> bool {
        self.0 & module != 0
    }
}

/// Returns whether the program may run several tasks or greenlets on a thread.
#[inline]
pub(super) fn may_differ(py: Python<'_>) -> PyResult<bool> {
    Ok(Imported::now(py)?.0 != 0)
}

/// Returns what runs.
pub(super) fn current(py: Python<'_>) -> PyResult<Runner> {
    let imported = Imported::now(py)?;
    let greenlet = if imported.has(Imported::GREENLET) { address(greenlet(py)?) } else { 0 };
    Ok(Runner { task: task(py, imported)?, greenlet })
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

fn task(py: Python<'_>, imported: Imported) -> PyResult<usize> {
    static TRIO: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    if imported.has(Imported::ASYNCIO)
        && let Some(task) = asyncio_task(py)?
    {
        return Ok(task.as_ptr().addr());
    }
    if !imported.has(Imported::TRIO) {
        return Ok(0);
    }
    let current = function(py, &TRIO, intern!(py, "trio.lowlevel"), "current_task")?;
    // Outside of a task it raises a `RuntimeError`.
    Ok(address(current.and_then(|current| current.call0().ok())))
}

fn address(object: Option<Bound<'_, PyAny>>) -> usize {
    object.map_or(0, |object| object.as_ptr().addr())
}
