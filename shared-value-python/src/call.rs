//! Functions that Python calls without the detour of pyo3: what lies between them and the work that they do.
#![allow(unsafe_code)]

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::PySystemError;
use pyo3::prelude::*;

/// Runs the work of a call of Python. An exception or a panic of it becomes the exception of the call, and `failed` its result.
///
/// The library that counts references does not know here that the thread is attached. So work that drops objects does that
/// inside of `Python::attach`; otherwise they would be dropped later.
#[inline]
pub(crate) fn guarded<R>(failed: R, work: impl FnOnce(Python<'_>) -> PyResult<R>) -> R {
    // SAFETY: Python calls its functions with the interpreter's lock held.
    let py = unsafe { Python::assume_attached() };
    let result = catch_unwind(AssertUnwindSafe(|| work(py)));
    match result {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => {
            raise(error);
            failed
        }
        Err(panic) => {
            raise(PySystemError::new_err(text_of(&*panic)));
            failed
        }
    }
}

#[cold]
fn raise(error: PyErr) {
    Python::attach(|py| error.restore(py));
}

#[cold]
fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("shared_value panicked: {}", text.unwrap_or("without a message"))
}
