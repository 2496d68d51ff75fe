//! New `bytearray` objects whose bytes are written once.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::{ptr, slice};

use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyByteArray;

/// Makes a `bytearray` of this size. `fill` gets its bytes, which are not initialized, and returns them when they are. Nothing else
/// refers to the object meanwhile.
pub(crate) fn bytearray<'py>(
    py: Python<'py>,
    size: usize,
    fill: impl for<'b> FnOnce(&'b mut [MaybeUninit<u8>]) -> PyResult<&'b mut [u8]>,
) -> PyResult<Bound<'py, PyByteArray>> {
    let length = ffi::Py_ssize_t::try_from(size)?;
    // SAFETY: without bytes to copy, the call makes an object of this many bytes.
    let made = unsafe { ffi::PyByteArray_FromStringAndSize(ptr::null(), length) };
    // SAFETY: the call returns a new reference, or null with an exception.
    let made = unsafe { Bound::from_owned_ptr_or_err(py, made) }?;
    // SAFETY: the call returns objects of this type.
    let made = unsafe { made.cast_into_unchecked::<PyByteArray>() };
    let start = made.data();
    // SAFETY: the object has this many bytes at this place as long as it keeps its size, and only this function knows the object.
    let bytes = unsafe { slice::from_raw_parts_mut(start.cast::<MaybeUninit<u8>>(), size) };
    let filled = fill(bytes)?;
    if filled.len() == size && ptr::eq(filled.as_ptr(), start) {
        return Ok(made);
    }
    Err(PySystemError::new_err("the bytes of a new bytearray were not filled"))
}
