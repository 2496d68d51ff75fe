//! The one interpreter of the process that may use the module.
#![allow(unsafe_code)]

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;

/// Checks that this is the main interpreter: objects of the module would be shared between interpreters.
pub(crate) fn check(_: Python<'_>) -> PyResult<()> {
    // SAFETY: the thread is attached to an interpreter.
    let interpreter = unsafe { ffi::PyInterpreterState_Get() };
    // SAFETY: it is the interpreter of this thread, which lives.
    let number = unsafe { ffi::PyInterpreterState_GetID(interpreter) };
    // The main interpreter has this number.
    if number == 0 {
        return Ok(());
    }
    Err(PyImportError::new_err(
        "shared_value works in the main interpreter of a process only, and this is a subinterpreter",
    ))
}
