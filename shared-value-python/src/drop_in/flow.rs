//! `Flow`: which asyncio task or greenlet of a thread holds a lock.
//!
//! A lock belongs to a thread, and all tasks of an event loop run on one thread. So to the lock, a second task looks like its
//! holder. Each lock notes the task that took it. In a program without tasks and greenlets this costs two look-ups in a
//! dictionary. A context variable would not do: a task inherits those of the task that has started it, perhaps under the lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::task::{asyncio_task, greenlet};

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
        let holder = match asyncio_task(py)? {
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
        let current = if is_task { asyncio_task(py)? } else { greenlet(py)? };
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
