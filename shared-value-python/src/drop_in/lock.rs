//! `Lock` and `RLock`: Python's methods for the lock of a cell.

use std::path::Path;

use pyo3::exceptions::{PyAssertionError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyType;
use shared_value::{Error, LockError, LockState};

use super::cell::Cell;
use super::error::exception;
use super::flow::Flow;
use super::memory::Memory;
use super::wait::{self, Limit, Taken, Truth};

/// A lock for the threads of all processes that have it. It belongs to the thread that took it, and gets free when that thread
/// ends, even by SIGKILL.
#[pyclass(subclass, frozen, weakref, module = "shared_value._core")]
pub(super) struct RobustLock {
    memory: Py<Memory>,
    is_recursive: bool,
}

impl RobustLock {
    fn of(memory: Py<Memory>, is_recursive: bool) -> PyClassInitializer<Self> {
        PyClassInitializer::from(Self { memory, is_recursive })
    }

    fn cell(&self) -> &Cell {
        self.memory.get().cell()
    }

    fn flow(&self) -> &Flow {
        self.memory.get().flow()
    }

    fn is_mine(&self) -> bool {
        self.cell().depth() != 0
    }

    /// Takes the lock. Returns `false` if the time is over.
    pub(super) fn take(&self, py: Python<'_>, limit: Limit) -> PyResult<bool> {
        match wait::acquire(py, self.cell(), limit)? {
            Taken::Not => return Ok(false),
            Taken::Held => return self.take_from_itself(py, limit),
            Taken::Now => {}
        }
        let entered = if self.cell().depth() == 1 { self.flow().enter(py) } else { self.flow().check(py) };
        if let Err(error) = entered {
            // The caller does not know that it has the lock.
            let _ = self.cell().release();
            return Err(error);
        }
        Ok(true)
    }

    /// Takes a lock that this thread holds, and may not take again.
    #[cold]
    fn take_from_itself(&self, py: Python<'_>, limit: Limit) -> PyResult<bool> {
        if matches!(limit, Limit::Never) {
            self.flow().check(py)?;
            return Err(PyRuntimeError::new_err(
                "this thread holds the lock already, and no other thread can release it: the wait would never end",
            ));
        }
        wait::sleep(py, limit)?;
        Ok(false)
    }

    /// Works while this thread holds the lock, and lets no code of the program keep it.
    #[inline]
    pub(super) fn briefly<R>(&self, py: Python<'_>, work: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
        match wait::acquire(py, self.cell(), Limit::Never)? {
            Taken::Now => {}
            Taken::Held | Taken::Not => drop(self.take_from_itself(py, Limit::Never)?),
        }
        let is_taken_by_a_task = self.flow().is_known() && self.cell().depth() > 1;
        let result = if is_taken_by_a_task {
            // Objects are dropped here, so the library that counts references has to know that the thread is
            // attached.
            Python::attach(|py| self.flow().check(py)).and_then(|()| work())
        } else {
            work()
        };
        let released = self.cell().release();
        let result = result?;
        released.map_err(|error| exception(&error))?;
        Ok(result)
    }

    pub(super) fn give_back(&self) -> PyResult<()> {
        match self.cell().release() {
            Ok(()) => {
                if self.flow().is_known() && !self.is_mine() {
                    self.flow().leave();
                }
                Ok(())
            }
            Err(Error::Lock(LockError::NotHeld)) => Err(self.not_held()),
            Err(error) => Err(exception(&error)),
        }
    }

    /// Returns the exception for a release by a thread that does not hold the lock.
    #[cold]
    fn not_held(&self) -> PyErr {
        if self.is_recursive {
            PyAssertionError::new_err("attempt to release recursive lock not owned by thread")
        } else if self.cell().lock_state() == LockState::Free {
            PyValueError::new_err("semaphore or lock released too many times")
        } else {
            PyRuntimeError::new_err(
                "another thread or process holds the lock: only the thread that took it can release it, and its end does",
            )
        }
    }

    /// Returns whose the lock is, for people, and how often it is taken.
    fn owner(&self, py: Python<'_>) -> PyResult<(String, String)> {
        if self.is_mine() {
            let process = py.import("multiprocessing.process")?.call_method0("current_process")?.getattr("name")?;
            let thread = py.import("threading")?.call_method0("current_thread")?.getattr("name")?;
            let (process, thread) = (process.str()?.to_string(), thread.str()?.to_string());
            let name = if thread == "MainThread" { process } else { format!("{process}|{thread}") };
            return Ok((name, self.cell().depth().to_string()));
        }
        let name = match self.cell().lock_state() {
            LockState::Free => return Ok(("None".to_owned(), "0".to_owned())),
            LockState::Held { thread_id } if Path::new(&format!("/proc/self/task/{thread_id}")).exists() => {
                "SomeOtherThread"
            }
            _ => "SomeOtherProcess",
        };
        Ok((name.to_owned(), "nonzero".to_owned()))
    }
}

#[pymethods]
impl RobustLock {
    /// Takes the lock. Returns whether it has it: `False` if another thread or process holds the lock, and `block` is false or the
    /// timeout (seconds; negative counts as zero, None as no limit) is over.
    ///
    /// Other threads run meanwhile, and Ctrl-C is answered.
    #[pyo3(signature = (block=Truth(true), timeout=None), text_signature = "($self, block=True, timeout=None)")]
    fn acquire(&self, py: Python<'_>, block: Truth, timeout: Option<f64>) -> PyResult<bool> {
        self.take(py, Limit::of(block, timeout))
    }

    /// Releases the lock, or one of several holds of it.
    ///
    /// Only the thread that took the lock can release it. Otherwise an `RLock` raises `AssertionError`, and a `Lock`
    /// `ValueError` if it is free, else `RuntimeError`.
    fn release(&self) -> PyResult<()> {
        self.give_back()
    }

    fn __enter__(&self, py: Python<'_>) -> PyResult<bool> {
        self.take(py, Limit::Never)
    }

    fn __exit__(&self, kind: &Bound<'_, PyAny>, error: &Bound<'_, PyAny>, trace: &Bound<'_, PyAny>) -> PyResult<()> {
        let _ = (kind, error, trace);
        self.give_back()
    }

    /// Returns whether any thread or process holds the lock.
    fn locked(&self) -> bool {
        self.cell().lock_state() != LockState::Free
    }

    /// How often the lock was taken over from a thread that died while it held the lock.
    #[getter]
    fn recoveries(&self) -> u64 {
        self.cell().recoveries()
    }

    /// The lock itself: `multiprocessing.Condition` asks it for `_is_mine` and `_count`.
    #[getter]
    fn _semlock(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// Returns the memory beside which the lock lies.
    fn memory(&self, py: Python<'_>) -> Py<Memory> {
        self.memory.clone_ref(py)
    }

    fn _is_mine(&self) -> bool {
        self.is_mine()
    }

    fn _count(&self) -> u64 {
        self.cell().depth()
    }

    fn _get_value(&self) -> u32 {
        u32::from(!self.locked())
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let class: Bound<'_, PyType> = slf.get_type();
        let (name, count) = slf.get().owner(slf.py())?;
        Ok(if slf.get().is_recursive {
            format!("<{}({name}, {count})>", class.name()?)
        } else {
            format!("<{}(owner={name})>", class.name()?)
        })
    }
}

/// A lock that its holder may take again: `multiprocessing.RLock`, but robust.
#[pyclass(extends = RobustLock, frozen, module = "shared_value.multiprocessing")]
pub(super) struct RLock;

/// Returns the lock of a block of memory, as one that its holder may take again.
#[pyfunction]
pub(super) fn rlock_of(py: Python<'_>, memory: Py<Memory>) -> PyResult<Py<RLock>> {
    Py::new(py, RobustLock::of(memory, true).add_subclass(RLock))
}

#[pymethods]
impl RLock {
    #[new]
    #[pyo3(signature = (*, ctx=None))]
    fn new(py: Python<'_>, ctx: Option<Py<PyAny>>) -> PyResult<PyClassInitializer<Self>> {
        drop(ctx);
        Ok(RobustLock::of(Py::new(py, Memory::zeroed(py, 0, true)?)?, true).add_subclass(Self))
    }
}

/// A lock that its holder may not take again: `multiprocessing.Lock`, but robust, and only its holder can release it.
#[pyclass(extends = RobustLock, frozen, module = "shared_value.multiprocessing")]
pub(super) struct Lock;

/// Returns the lock of a block of memory, as one that its holder may not take again.
#[pyfunction]
pub(super) fn lock_of(py: Python<'_>, memory: Py<Memory>) -> PyResult<Py<Lock>> {
    Py::new(py, RobustLock::of(memory, false).add_subclass(Lock))
}

#[pymethods]
impl Lock {
    #[new]
    #[pyo3(signature = (*, ctx=None))]
    fn new(py: Python<'_>, ctx: Option<Py<PyAny>>) -> PyResult<PyClassInitializer<Self>> {
        drop(ctx);
        Ok(RobustLock::of(Py::new(py, Memory::zeroed(py, 0, false)?)?, false).add_subclass(Self))
    }
}
