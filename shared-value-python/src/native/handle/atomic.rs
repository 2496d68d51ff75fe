//! `Atomic`: an atomic field, or an element of one.

use std::sync::Arc;

use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use shared_value::{AtomicBits, AtomicNumber, AtomicValue, DynKind, DynLayout};

use crate::native::data::number::Primitive;
use crate::native::error::OrRaise;
use crate::native::handle::root::{Root, each, read_only};
use crate::native::handle::value::Value;

/// An atomic field: each operation takes effect at once, without the lock, and is never rolled back. Changing operations return
/// the value before. Integers wrap around.
#[pyclass(frozen, weakref, module = "shared_value")]
pub(crate) struct Atomic {
    root: Arc<Root>,
    path: String,
    layout: Arc<DynLayout>,
}

/// An operation that changes an atomic value.
#[derive(Clone, Copy)]
enum Change {
    Store,
    Swap,
    Add,
    Sub,
    Max,
    Min,
    Or,
    And,
}

impl Atomic {
    pub(crate) fn of(value: &Value, name: &str, layout: &Arc<DynLayout>) -> Self {
        Self { root: Arc::clone(&value.root), path: value.path_of(name), layout: Arc::clone(layout) }
    }

    pub(crate) fn into_object(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(Bound::new(py, self)?.into_any())
    }

    /// Returns whether it is the field at this path.
    pub(crate) fn is_at(&self, root: &Arc<Root>, path: &str) -> bool {
        Arc::ptr_eq(&self.root, root) && self.path == path
    }

    /// Returns the number of elements, if it is an array.
    fn length(&self) -> Option<(usize, &DynLayout)> {
        if let DynKind::Array { length, element } = self.layout.kind() { Some((*length, element)) } else { None }
    }

    fn read<T: Primitive + AtomicValue>(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let value = each!(&*self.root, value => value.atomic_part::<T>(&self.path).map(|atomic| atomic.load()));
        Ok(value.or_raise(py)?.into_python(py))
    }

    /// Makes a change, in each of the two kinds of handle that can write.
    fn change<T: Primitive + AtomicValue>(
        &self,
        py: Python<'_>,
        operand: &Bound<'_, PyAny>,
        read_write: impl FnOnce(shared_value::Atomic<'_, shared_value::DynValue, T>, T) -> T,
        unlocked: impl FnOnce(shared_value::Atomic<'_, shared_value::DynValue<shared_value::Unlocked>, T>, T) -> T,
    ) -> PyResult<Py<PyAny>> {
        let operand = T::from_python(operand)?;
        let before = match &*self.root {
            Root::ReadWrite(value) => read_write(value.atomic_part::<T>(&self.path).or_raise(py)?, operand),
            Root::Unlocked(value) => unlocked(value.atomic_part::<T>(&self.path).or_raise(py)?, operand),
            Root::ReadOnly(_) => return Err(read_only()),
        };
        Ok(before.into_python(py))
    }

    fn number<T: Primitive + AtomicNumber>(
        &self,
        py: Python<'_>,
        change: Change,
        operand: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        macro_rules! apply {
            () => {
                |atomic, operand| match change {
                    Change::Add => atomic.fetch_add(operand),
                    Change::Sub => atomic.fetch_sub(operand),
                    Change::Max => atomic.fetch_max(operand),
                    _ => atomic.fetch_min(operand),
                }
            };
        }
        self.change::<T>(py, operand, apply!(), apply!())
    }

    fn bits<T: Primitive + AtomicBits>(
        &self,
        py: Python<'_>,
        change: Change,
        operand: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        macro_rules! apply {
            () => {
                |atomic, operand| match change {
                    Change::Or => atomic.fetch_or(operand),
                    _ => atomic.fetch_and(operand),
                }
            };
        }
        self.change::<T>(py, operand, apply!(), apply!())
    }

    fn plain<T: Primitive + AtomicValue>(
        &self,
        py: Python<'_>,
        change: Change,
        operand: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        macro_rules! apply {
            () => {
                |atomic, operand| match change {
                    Change::Store => {
                        atomic.store(operand);
                        operand
                    }
                    _ => atomic.swap(operand),
                }
            };
        }
        self.change::<T>(py, operand, apply!(), apply!())
    }

    fn apply(&self, py: Python<'_>, change: Change, operand: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let name = self.layout.name();
        match (change, name) {
            (Change::Store | Change::Swap, "u64") => self.plain::<u64>(py, change, operand),
            (Change::Store | Change::Swap, "i64") => self.plain::<i64>(py, change, operand),
            (Change::Store | Change::Swap, "f64") => self.plain::<f64>(py, change, operand),
            (Change::Store | Change::Swap, "bool") => self.plain::<bool>(py, change, operand),
            (Change::Or | Change::And, "u64") => self.bits::<u64>(py, change, operand),
            (Change::Or | Change::And, "i64") => self.bits::<i64>(py, change, operand),
            (Change::Or | Change::And, "bool") => self.bits::<bool>(py, change, operand),
            (Change::Add | Change::Sub | Change::Max | Change::Min, "u64") => self.number::<u64>(py, change, operand),
            (Change::Add | Change::Sub | Change::Max | Change::Min, "i64") => self.number::<i64>(py, change, operand),
            (Change::Add | Change::Sub | Change::Max | Change::Min, "f64") => self.number::<f64>(py, change, operand),
            _ => Err(PyTypeError::new_err(format!("an atomic {} has no such operation", self.layout.type_text()))),
        }
    }

    fn exchange<T: Primitive + AtomicValue>(
        &self,
        py: Python<'_>,
        current: &Bound<'_, PyAny>,
        new: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let (current, new) = (T::from_python(current)?, T::from_python(new)?);
        Ok(match &*self.root {
            Root::ReadWrite(value) => {
                value.atomic_part::<T>(&self.path).or_raise(py)?.compare_exchange(current, new).is_ok()
            }
            Root::Unlocked(value) => {
                value.atomic_part::<T>(&self.path).or_raise(py)?.compare_exchange(current, new).is_ok()
            }
            Root::ReadOnly(_) => return Err(read_only()),
        })
    }
}

#[pymethods]
impl Atomic {
    /// Return the present value; of an array, a list.
    fn load(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.layout.name() {
            "u64" => self.read::<u64>(py),
            "i64" => self.read::<i64>(py),
            "f64" => self.read::<f64>(py),
            "bool" => self.read::<bool>(py),
            _ => {
                let length = self.length().map_or(0, |(length, _)| length);
                let elements = (0..length).map(|index| self.element(index)?.load(py));
                let elements = elements.collect::<PyResult<Vec<_>>>()?;
                Ok(pyo3::types::PyList::new(py, elements)?.into_any().unbind())
            }
        }
    }

    /// Write a value.
    fn store(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.apply(py, Change::Store, value).map(drop)
    }

    /// Write a value; return the value before.
    fn swap(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.apply(py, Change::Swap, value)
    }

    /// Write `new` if the value is `current`; return whether it was.
    fn compare_exchange(&self, py: Python<'_>, current: &Bound<'_, PyAny>, new: &Bound<'_, PyAny>) -> PyResult<bool> {
        match self.layout.name() {
            "u64" => self.exchange::<u64>(py, current, new),
            "i64" => self.exchange::<i64>(py, current, new),
            "f64" => self.exchange::<f64>(py, current, new),
            "bool" => self.exchange::<bool>(py, current, new),
            _ => Err(PyTypeError::new_err("an array is exchanged element by element")),
        }
    }

    /// Add; return the value before.
    #[pyo3(signature = (amount = None))]
    fn add(&self, py: Python<'_>, amount: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        match amount {
            Some(amount) => self.apply(py, Change::Add, amount),
            None => self.apply(py, Change::Add, 1_u8.into_pyobject(py)?.as_any()),
        }
    }

    /// Subtract; return the value before.
    #[pyo3(signature = (amount = None))]
    fn sub(&self, py: Python<'_>, amount: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        match amount {
            Some(amount) => self.apply(py, Change::Sub, amount),
            None => self.apply(py, Change::Sub, 1_u8.into_pyobject(py)?.as_any()),
        }
    }

    /// Raise to `value`, unless it is higher; return the value before.
    fn max(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.apply(py, Change::Max, value)
    }

    /// Lower to `value`, unless it is lower; return the value before.
    fn min(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.apply(py, Change::Min, value)
    }

    /// Set the bits of `value`; return the value before.
    fn fetch_or(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.apply(py, Change::Or, value)
    }

    /// Clear the bits that `value` does not have; return the value before.
    fn fetch_and(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.apply(py, Change::And, value)
    }

    fn __iadd__(&self, py: Python<'_>, amount: &Bound<'_, PyAny>) -> PyResult<()> {
        self.apply(py, Change::Add, amount).map(drop)
    }

    fn __isub__(&self, py: Python<'_>, amount: &Bound<'_, PyAny>) -> PyResult<()> {
        self.apply(py, Change::Sub, amount).map(drop)
    }

    fn __int__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.load(py)?.bind(py).call_method0("__int__")?.unbind())
    }

    fn __float__(&self, py: Python<'_>) -> PyResult<f64> {
        self.load(py)?.extract(py)
    }

    fn __bool__(&self, py: Python<'_>) -> PyResult<bool> {
        self.load(py)?.bind(py).is_truthy()
    }

    fn __len__(&self) -> PyResult<usize> {
        self.length().map(|(length, _)| length).ok_or_else(|| PyTypeError::new_err("a single value has no length"))
    }

    fn __getitem__(&self, index: isize) -> PyResult<Self> {
        let length = self.__len__()?;
        let found = if index < 0 { length.checked_add_signed(index) } else { Some(index.unsigned_abs()) };
        self.element(found.unwrap_or(length))
    }

    fn __setitem__(&self, py: Python<'_>, index: isize, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let element = self.__getitem__(index)?;
        // `x.by_status[2] += 1` stores the object that it has read and changed.
        if value.cast::<Self>().is_ok_and(|atomic| atomic.get().is_at(&self.root, &element.path)) {
            return Ok(());
        }
        element.store(py, value)
    }

    fn __richcmp__(&self, py: Python<'_>, other: &Bound<'_, PyAny>, operation: CompareOp) -> PyResult<Py<PyAny>> {
        let other = match other.cast::<Self>() {
            Ok(atomic) => atomic.get().load(py)?.into_bound(py),
            Err(_) => other.clone(),
        };
        Ok(self.load(py)?.bind(py).rich_compare(other, operation)?.unbind())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Atomic({})", self.load(py)?.bind(py).repr()?))
    }
}

impl Atomic {
    fn element(&self, index: usize) -> PyResult<Self> {
        let found = self.length().filter(|(length, _)| index < *length);
        let (_, element) = found.ok_or_else(|| PyIndexError::new_err("atomic index out of range"))?;
        let (root, layout) = (Arc::clone(&self.root), Arc::new(element.clone()));
        Ok(Self { root, path: format!("{}[{index}]", self.path), layout })
    }
}
