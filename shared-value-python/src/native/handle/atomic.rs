//! `Atomic`: an atomic field, or an element of one.

use std::sync::Arc;

use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use pyo3::types::PyList;
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
    words: Words,
}

/// The words of an atomic field, or of an element of one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words {
    kind: Kind,
    /// The number of the first one in the value.
    first: usize,
    /// How many there are, if the field is an array.
    length: Option<usize>,
}

/// The type of an atomic value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    U64,
    I64,
    F64,
    Bool,
}

impl Words {
    /// Returns the words of the field of this name.
    pub(crate) fn of(value: &DynLayout, name: &str) -> Option<Self> {
        let DynKind::Struct { fields } = value.kind() else { return None };
        let mut first = 0;
        for field in fields.iter().filter(|field| field.is_atomic()) {
            let (length, layout) = match field.layout().kind() {
                DynKind::Array { length, element } => (Some(*length), &**element),
                _ => (None, field.layout()),
            };
            if field.name() == name {
                let kind = match layout.name() {
                    "u64" => Kind::U64,
                    "i64" => Kind::I64,
                    "f64" => Kind::F64,
                    _ => Kind::Bool,
                };
                return Some(Self { kind, first, length });
            }
            first += length.unwrap_or(1);
        }
        None
    }
}

/// Evaluates an expression with `$type` as the type of the value.
macro_rules! with_kind {
    ($kind:expr, $type:ident => $result:expr) => {
        match $kind {
            Kind::U64 => {
                type $type = u64;
                $result
            }
            Kind::I64 => {
                type $type = i64;
                $result
            }
            Kind::F64 => {
                type $type = f64;
                $result
            }
            Kind::Bool => {
                type $type = bool;
                $result
            }
        }
    };
}

/// Evaluates an expression with `$atomic` as the atomic value, in either kind of handle that can write.
macro_rules! writable {
    ($self:ident, $py:expr, $type:ty, $atomic:ident => $result:expr) => {
        match &*$self.root {
            Root::ReadWrite(value) => {
                let $atomic = value.atomic_at::<$type>($self.words.first).or_raise($py)?;
                $result
            }
            Root::Unlocked(value) => {
                let $atomic = value.atomic_at::<$type>($self.words.first).or_raise($py)?;
                $result
            }
            Root::ReadOnly(_) => return Err(read_only()),
        }
    };
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
    pub(crate) fn of(value: &Value, words: Words) -> Self {
        Self { root: Arc::clone(&value.root), words }
    }

    /// Returns whether it has these words.
    pub(crate) fn is_at(&self, root: &Arc<Root>, words: Words) -> bool {
        Arc::ptr_eq(&self.root, root) && self.words == words
    }

    fn read<T: Primitive + AtomicValue>(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let value = each!(&*self.root, value => value.atomic_at::<T>(self.words.first).map(|atomic| atomic.load()));
        Ok(value.or_raise(py)?.into_python(py))
    }

    fn number<T: Primitive + AtomicNumber>(
        &self,
        py: Python<'_>,
        change: Change,
        operand: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        let operand = T::from_python(operand)?;
        let before = writable!(self, py, T, atomic => match change {
            Change::Add => atomic.fetch_add(operand),
            Change::Sub => atomic.fetch_sub(operand),
            Change::Max => atomic.fetch_max(operand),
            _ => atomic.fetch_min(operand),
        });
        Ok(before.into_python(py))
    }

    fn bits<T: Primitive + AtomicBits>(
        &self,
        py: Python<'_>,
        change: Change,
        operand: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        let operand = T::from_python(operand)?;
        let before = writable!(self, py, T, atomic => match change {
            Change::Or => atomic.fetch_or(operand),
            _ => atomic.fetch_and(operand),
        });
        Ok(before.into_python(py))
    }

    fn plain<T: Primitive + AtomicValue>(
        &self,
        py: Python<'_>,
        change: Change,
        operand: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        let operand = T::from_python(operand)?;
        let before = writable!(self, py, T, atomic => match change {
            Change::Store => {
                atomic.store(operand);
                operand
            }
            _ => atomic.swap(operand),
        });
        Ok(before.into_python(py))
    }

    fn apply(&self, py: Python<'_>, change: Change, operand: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let kind = self.words.kind;
        match (change, kind) {
            _ if self.words.length.is_some() => Err(PyTypeError::new_err("an atomic array changes element by element")),
            (Change::Store | Change::Swap, _) => with_kind!(kind, T => self.plain::<T>(py, change, operand)),
            (Change::Or | Change::And, Kind::U64) => self.bits::<u64>(py, change, operand),
            (Change::Or | Change::And, Kind::I64) => self.bits::<i64>(py, change, operand),
            (Change::Or | Change::And, Kind::Bool) => self.bits::<bool>(py, change, operand),
            (_, Kind::U64) => self.number::<u64>(py, change, operand),
            (_, Kind::I64) => self.number::<i64>(py, change, operand),
            (Change::Add | Change::Sub | Change::Max | Change::Min, Kind::F64) => {
                self.number::<f64>(py, change, operand)
            }
            _ => Err(PyTypeError::new_err("an atomic value of this type has no such operation")),
        }
    }

    fn exchange<T: Primitive + AtomicValue>(
        &self,
        py: Python<'_>,
        current: &Bound<'_, PyAny>,
        new: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let (current, new) = (T::from_python(current)?, T::from_python(new)?);
        Ok(writable!(self, py, T, atomic => atomic.compare_exchange(current, new).is_ok()))
    }
}

#[pymethods]
impl Atomic {
    /// Return the present value; of an array, a list.
    fn load(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let Some(length) = self.words.length else { return with_kind!(self.words.kind, T => self.read::<T>(py)) };
        let elements = (0..length).map(|index| self.element(index)?.load(py)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyList::new(py, elements)?.into_any().unbind())
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
        if self.words.length.is_some() {
            return Err(PyTypeError::new_err("an atomic array changes element by element"));
        }
        with_kind!(self.words.kind, T => self.exchange::<T>(py, current, new))
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
        self.words.length.ok_or_else(|| PyTypeError::new_err("a single value has no length"))
    }

    fn __getitem__(&self, index: isize) -> PyResult<Self> {
        let length = self.__len__()?;
        let found = if index < 0 { length.checked_add_signed(index) } else { Some(index.unsigned_abs()) };
        self.element(found.unwrap_or(length))
    }

    fn __setitem__(&self, py: Python<'_>, index: isize, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let element = self.__getitem__(index)?;
        // `x.by_status[2] += 1` stores the object that it has read and changed.
        if value.cast::<Self>().is_ok_and(|atomic| atomic.get().is_at(&self.root, element.words)) {
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
        if self.words.length.is_none_or(|length| index >= length) {
            return Err(PyIndexError::new_err("atomic index out of range"));
        }
        let words = Words { first: self.words.first + index, length: None, ..self.words };
        Ok(Self { root: Arc::clone(&self.root), words })
    }
}
