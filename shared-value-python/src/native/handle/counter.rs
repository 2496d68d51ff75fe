//! `Counter`: a counter of a value, or an element of a histogram of counters.

use std::sync::Arc;

use pyo3::exceptions::{PyIndexError, PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use pyo3::types::PyList;
use shared_value::{DynKind, DynLayout};

use crate::native::error::Patience;
use crate::native::handle::holds;
use crate::native::handle::root::{Place, Root};
use crate::native::handle::value::Value;

/// A counter that many threads and processes add to at once, each in a lane of its own. An addition takes no lock and is never
/// rolled back; a process that is killed loses at most the addition that it was making. Totals wrap around at 2**64.
#[pyclass(frozen, weakref, module = "shared_value")]
pub(crate) struct Counter {
    root: Arc<Root>,
    counters: Counters,
}

/// The counters of a field, or one of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counters {
    first: Place,
    /// How many there are, if the field is an array.
    length: Option<usize>,
}

impl Counters {
    /// Returns the counters of the field of this name.
    pub(crate) fn of(value: &DynLayout, name: &str) -> Option<Self> {
        let DynKind::Struct { fields } = value.kind() else { return None };
        let mut number = 0;
        for field in fields.iter().filter(|field| field.is_counter()) {
            let length = if let DynKind::Array { length, .. } = field.layout().kind() { Some(*length) } else { None };
            if field.name() == name {
                return Some(Self { first: Place { number, offset: field.offset() }, length });
            }
            number += length.unwrap_or(1);
        }
        None
    }

    fn element(self, index: usize) -> PyResult<Self> {
        if self.length.is_none_or(|length| index >= length) {
            return Err(PyIndexError::new_err("counter index out of range"));
        }
        let Place { number, offset } = self.first;
        Ok(Self { first: Place { number: number + index, offset: offset + index * size_of::<u64>() }, length: None })
    }
}

impl Counter {
    pub(crate) fn of(value: &Value, counters: Counters) -> Self {
        Self { root: Arc::clone(&value.root), counters }
    }

    /// Returns whether it has these counters.
    pub(crate) fn is_at(&self, root: &Arc<Root>, counters: Counters) -> bool {
        Arc::ptr_eq(&self.root, root) && self.counters == counters
    }

    fn element(&self, index: usize) -> PyResult<Self> {
        Ok(Self { root: Arc::clone(&self.root), counters: self.counters.element(index)? })
    }

    /// Returns what `of_one` returns: of each element, if there are several, in a list.
    fn each(&self, py: Python<'_>, of_one: impl Fn(Place) -> PyResult<u64>) -> PyResult<Py<PyAny>> {
        let Some(length) = self.counters.length else {
            return Ok(of_one(self.counters.first)?.into_pyobject(py)?.into_any().unbind());
        };
        let totals =
            (0..length).map(|index| of_one(self.counters.element(index)?.first)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyList::new(py, totals)?.into_any().unbind())
    }

    fn count(&self, py: Python<'_>, amount: u64) -> PyResult<()> {
        if self.counters.length.is_some() {
            return Err(PyTypeError::new_err(
                "these are several counters: add to one of them, as in `by_status[2].add()`",
            ));
        }
        self.root.count(py, self.counters.first, amount)
    }
}

fn amount_of(object: &Bound<'_, PyAny>) -> PyResult<u64> {
    object.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(object.py()) {
            PyOverflowError::new_err(format!("a counter counts up, by a number from 0 to 2**64 - 1: found {object}"))
        } else {
            error
        }
    })
}

#[pymethods]
impl Counter {
    /// Add to the counter, without a lock.
    #[pyo3(signature = (amount = None))]
    fn add(&self, py: Python<'_>, amount: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        self.count(py, amount.map_or(Ok(1), amount_of)?)
    }

    /// Return the total: what was added since the last reset. Of several counters, a list.
    ///
    /// It lies between the total at the start of the call and that at its end.
    fn get(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.each(py, |counter| self.root.total(py, counter))
    }

    /// Make the total zero, and return what it was. An addition beside it counts either to this total or to the next one.
    ///
    /// Unlike an addition, this takes the lock and is a commit: in a block of the lock, others see it at the end of the block.
    fn reset(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let Root::ReadWrite(value) = &*self.root else { return self.each(py, |counter| self.root.reset(py, counter)) };
        // So that several counters are reset in one commit.
        holds::enter(py, value, Patience::UNLIMITED)?;
        let totals = self.each(py, |counter| self.root.reset(py, counter));
        holds::leave(py, value, totals.is_err())?;
        totals
    }

    fn __iadd__(&self, py: Python<'_>, amount: &Bound<'_, PyAny>) -> PyResult<()> {
        self.count(py, amount_of(amount)?)
    }

    fn __int__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.get(py)?.bind(py).call_method0("__int__")?.unbind())
    }

    fn __bool__(&self, py: Python<'_>) -> PyResult<bool> {
        self.get(py)?.bind(py).is_truthy()
    }

    fn __len__(&self) -> PyResult<usize> {
        self.counters.length.ok_or_else(|| PyTypeError::new_err("a single counter has no length"))
    }

    fn __getitem__(&self, index: isize) -> PyResult<Self> {
        let length = self.__len__()?;
        let found = if index < 0 { length.checked_add_signed(index) } else { Some(index.unsigned_abs()) };
        self.element(found.unwrap_or(length))
    }

    fn __setitem__(&self, index: isize, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let element = self.__getitem__(index)?;
        // `x.by_status[2] += 1` stores the object that it has read and changed.
        if value.cast::<Self>().is_ok_and(|counter| counter.get().is_at(&self.root, element.counters)) {
            return Ok(());
        }
        Err(not_set())
    }

    fn __richcmp__(&self, py: Python<'_>, other: &Bound<'_, PyAny>, operation: CompareOp) -> PyResult<Py<PyAny>> {
        let other = match other.cast::<Self>() {
            Ok(counter) => counter.get().get(py)?.into_bound(py),
            Err(_) => other.clone(),
        };
        Ok(self.get(py)?.bind(py).rich_compare(other, operation)?.unbind())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Counter({})", self.get(py)?.bind(py).repr()?))
    }
}

/// Returns the exception for an assignment to a counter.
pub(crate) fn not_set() -> PyErr {
    PyTypeError::new_err("a counter is not set: use its `add()`, or `reset()` to begin again at zero")
}
