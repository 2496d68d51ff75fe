//! `Memory`: a block of shared memory, as an object with Python's buffer protocol.
#![allow(unsafe_code)]

use std::ffi::c_int;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;

use super::cell::Cell;
use super::error::exception;
use super::flow::Flow;
use super::segment::Segment;

/// A block of shared memory, beside a lock of its own. It is mapped as long as this object, its lock, or a view of it lives.
#[pyclass(frozen, weakref, module = "shared_value._core")]
pub(super) struct Memory {
    cell: Cell,
    /// The task or greenlet that has taken the lock. All objects for the lock share this.
    flow: Flow,
}

impl Memory {
    /// Makes memory that is zero, beside a lock of this kind.
    pub(super) fn zeroed(py: Python<'_>, length: usize, is_recursive: bool) -> PyResult<Self> {
        Ok(Self::of(Cell::new(py, length, is_recursive).map_err(|error| exception(&error))?))
    }

    fn of(cell: Cell) -> Self {
        Self { cell, flow: Flow::default() }
    }

    pub(super) fn flow(&self) -> &Flow {
        &self.flow
    }

    pub(super) fn cell(&self) -> &Cell {
        &self.cell
    }
}

#[pymethods]
impl Memory {
    /// Makes a block of `length` bytes, all zero.
    #[new]
    fn new(py: Python<'_>, length: usize) -> PyResult<Self> {
        Self::zeroed(py, length, true)
    }

    /// Returns a view of the block, as `multiprocessing.heap.BufferWrapper` does.
    fn create_memoryview<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyMemoryView>> {
        PyMemoryView::from(slf.as_any())
    }

    fn __len__(&self) -> usize {
        self.cell.length()
    }

    /// Opens the block that another process has handed over by `place`.
    #[staticmethod]
    fn open(segment: Py<Segment>, number: u64) -> PyResult<Self> {
        Ok(Self::of(Cell::open(segment, number).map_err(|error| exception(&error))?))
    }

    /// Returns what `open` needs: the segment in which the block lies, and its number there.
    fn place(&self, py: Python<'_>) -> PyResult<(Py<Segment>, u64)> {
        self.cell.place(py)
    }

    /// Fills in a view of the block.
    ///
    /// # Safety
    /// `view` points to a `Py_buffer` that this function may write to: the interpreter calls it.
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let cell = &slf.get().cell;
        let length = isize::try_from(cell.length())?;
        // SAFETY: the interpreter gives a view to fill in. The bytes are mapped for reading and writing as long as the cell lives,
        // which this object owns, and never replaces. `PyBuffer_FillInfo` stores a reference to this object in the view, so both
        // live at least as long as the view. Rust has no reference to these bytes: it accesses them as atomics only.
        let filled = unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), cell.pointer().cast(), length, 0, flags) };
        if filled == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }
}
