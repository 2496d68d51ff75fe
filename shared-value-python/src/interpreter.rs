//! The one interpreter of the process that may use the module.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicI64, Ordering};

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;

/// Checks that no other interpreter of this process has imported the module: its objects would be shared between them.
pub(crate) fn claim(_: Python<'_>) -> PyResult<()> {
    static CLAIMED: AtomicI64 = AtomicI64::new(-1);
    // SAFETY: the thread is attached to an interpreter.
    let interpreter = unsafe { ffi::PyInterpreterState_Get() };
    // SAFETY: it is the interpreter of this thread, which lives.
    let number = unsafe { ffi::PyInterpreterState_GetID(interpreter) };
    match CLAIMED.compare_exchange(-1, number, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => Ok(()),
        Err(claimed) if claimed == number => Ok(()),
        Err(_) => Err(PyImportError::new_err(
            "shared_value works in one interpreter of a process: another interpreter has imported it before",
        )),
    }
}
