//! New memory that is written once: `bytearray` objects, and private copies of buffers.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::{ptr, slice};

use pyo3::buffer::PyBuffer;
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
    ask_for_large_pages(bytes);
    let filled = fill(bytes)?;
    if filled.len() == size && ptr::eq(filled.as_ptr(), start) {
        return Ok(made);
    }
    Err(PySystemError::new_err("the bytes of a new bytearray were not filled"))
}

/// Returns a copy of the bytes of a buffer.
pub(crate) fn copied(py: Python<'_>, buffer: &PyBuffer<u8>) -> PyResult<Vec<u8>> {
    if buffer.len_bytes() < LARGE {
        return buffer.to_vec(py);
    }
    // The zeros take no memory until the copy is made.
    let mut bytes = vec![0; buffer.len_bytes()];
    // SAFETY: a `u8` may be looked at as one that need not be initialized, and the slice is only read.
    ask_for_large_pages(unsafe { slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) });
    buffer.copy_to_slice(py, &mut bytes)?;
    Ok(bytes)
}

/// Memory of this size is worth the question: numpy asks for arrays of this size too.
const LARGE: usize = 4 << 20;

/// Asks the kernel for large pages for large new memory, where the system leaves that to programs: the first access to each page costs
/// about as much as to copy a page.
fn ask_for_large_pages(memory: &[MaybeUninit<u8>]) {
    const PAGE: usize = 4096;
    if memory.len() < LARGE {
        return;
    }
    let start = memory.as_ptr();
    let before = start.addr().wrapping_neg() % PAGE;
    let length = (memory.len() - before) / PAGE * PAGE;
    // SAFETY: there are more bytes than one page, so the first whole page begins in the memory.
    let page = unsafe { start.add(before) };
    // SAFETY: the pages lie in the memory, and the call changes no byte. If it fails, the pages are small.
    unsafe { libc::madvise(page.cast_mut().cast(), length, libc::MADV_HUGEPAGE) };
}
