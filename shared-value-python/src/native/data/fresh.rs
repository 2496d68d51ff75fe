//! Bytes that no other code changes: those of a new `bytearray`, and private copies.
#![allow(unsafe_code)]

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::{ptr, slice};

use pyo3::exceptions::{PySystemError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView};

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

/// Returns the bytes of an object, which do not change: a copy, unless it is a `bytes` object. Other threads may change a buffer while
/// it is looked at, so Rust never sees it.
pub(crate) fn bytes_of<'py>(source: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    if let Ok(bytes) = source.cast::<PyBytes>() {
        return Ok(bytes.clone());
    }
    let py = source.py();
    let view = PyMemoryView::from(source)?.call_method1("cast", ("B",)).map_err(|error| {
        let raised = PyValueError::new_err("expected a buffer whose bytes are contiguous");
        raised.set_cause(py, Some(error));
        raised
    })?;
    let view = View::of(&view)?;
    // SAFETY: without bytes to copy, the call makes an object of this many bytes, which the caller may fill.
    let made = unsafe { ffi::PyBytes_FromStringAndSize(ptr::null(), view.0.len) };
    // SAFETY: the call returns a new reference, or null with an exception.
    let made = unsafe { Bound::from_owned_ptr_or_err(py, made) }?;
    // SAFETY: the call returns objects of this type.
    let made = unsafe { made.cast_into_unchecked::<PyBytes>() };
    // SAFETY: it is a `bytes` object.
    let start = unsafe { ffi::PyBytes_AsString(made.as_ptr()) };
    // SAFETY: the object has this many bytes at this place, and only this function knows the object.
    ask_for_large_pages(unsafe { slice::from_raw_parts(start.cast(), view.0.len.unsigned_abs()) });
    // SAFETY: there is room for the bytes of the view, which is one of `PyObject_GetBuffer`.
    let copied = unsafe { ffi::PyBuffer_ToContiguous(start.cast(), &raw const view.0, view.0.len, ORDER) };
    if copied == 0 { Ok(made) } else { Err(PyErr::fetch(py)) }
}

/// The order of C, the last index first.
const ORDER: c_char = b'C'.cast_signed();

/// A view of a buffer.
struct View(ffi::Py_buffer);

impl View {
    fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut view = ffi::Py_buffer::new();
        // SAFETY: the object is alive, and the call fills in the view, or fails with an exception.
        let got = unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut view, ffi::PyBUF_SIMPLE) };
        if got == 0 { Ok(Self(view)) } else { Err(PyErr::fetch(object.py())) }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: `of` got the view, and this is the only release of it, by a thread that is attached: a view stays in its function.
        unsafe { ffi::PyBuffer_Release(&raw mut self.0) };
    }
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
