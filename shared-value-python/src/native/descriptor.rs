//! Descriptors of the program.
#![allow(unsafe_code)]

use std::os::fd::{BorrowedFd, OwnedFd};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Returns a duplicate of a descriptor of the program.
pub(crate) fn duplicate(number: i32) -> PyResult<OwnedFd> {
    if number < 0 {
        return Err(PyValueError::new_err("the descriptor is closed"));
    }
    // SAFETY: it is not -1, and only this call uses it. If the program has closed it, the system refuses to duplicate it.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    Ok(borrowed.try_clone_to_owned()?)
}
