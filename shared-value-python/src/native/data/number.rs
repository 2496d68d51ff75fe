//! Numbers, which are read and written without a detour.

use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyList};
use shared_value::{DynKind, DynLayout, SharedValue};

use crate::native::data::layout::unwrapped;
use crate::native::handle::root::Root;

/// The types of numbers, with which parts are read and written by their offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
    Bool,
}

/// A type of number: how it becomes a Python object, and how a Python object becomes one.
pub(crate) trait Primitive: SharedValue + Copy + Send + Sync {
    fn into_python(self, py: Python<'_>) -> Py<PyAny>;
    fn from_python(object: &Bound<'_, PyAny>) -> PyResult<Self>;
    /// Returns the sum; `None` if it does not fit.
    fn plus(self, other: Self) -> Option<Self>;
    fn from_bytes(bytes: &[u8]) -> Self;
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Primitive for $type {
            #[inline]
            fn into_python(self, py: Python<'_>) -> Py<PyAny> {
                let Ok(object) = self.into_pyobject(py);
                object.into_any().unbind()
            }

            #[inline]
            fn from_python(object: &Bound<'_, PyAny>) -> PyResult<Self> {
                object.extract::<$type>().map_err(|error| out_of_range(object, error, stringify!($type)))
            }

            #[inline]
            fn plus(self, other: Self) -> Option<Self> {
                self.checked_add(other)
            }

            fn from_bytes(bytes: &[u8]) -> Self {
                bytes.try_into().map(Self::from_ne_bytes).unwrap_or_default()
            }
        }
    )*};
}

macro_rules! floats {
    ($($type:ty, $from:expr;)*) => {$(
        impl Primitive for $type {
            #[inline]
            fn into_python(self, py: Python<'_>) -> Py<PyAny> {
                PyFloat::new(py, self.into()).into_any().unbind()
            }

            #[inline]
            fn from_python(object: &Bound<'_, PyAny>) -> PyResult<Self> {
                object.extract::<f64>().map($from)
            }

            #[inline]
            fn plus(self, other: Self) -> Option<Self> {
                Some(self + other)
            }

            fn from_bytes(bytes: &[u8]) -> Self {
                bytes.try_into().map(Self::from_ne_bytes).unwrap_or_default()
            }
        }
    )*};
}

integers! { i8 i16 i32 i64 u8 u16 u32 u64 }

#[expect(clippy::cast_possible_truncation, reason = "an `f32` holds the nearest number, as in numpy and ctypes")]
const fn narrow(number: f64) -> f32 {
    number as f32
}

floats! { f32, narrow; f64, |number| number; }

impl Primitive for bool {
    fn into_python(self, py: Python<'_>) -> Py<PyAny> {
        PyBool::new(py, self).to_owned().into_any().unbind()
    }

    fn from_python(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        match object.cast::<PyBool>() {
            Ok(value) => Ok(value.is_true()),
            Err(_) => Err(PyTypeError::new_err(format!("expected True or False, found {}", object.get_type().name()?))),
        }
    }

    fn plus(self, _: Self) -> Option<Self> {
        None
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        bytes.first().is_some_and(|byte| *byte != 0)
    }
}

#[cold]
fn out_of_range(object: &Bound<'_, PyAny>, error: PyErr, name: &str) -> PyErr {
    if error.is_instance_of::<PyOverflowError>(object.py()) {
        PyOverflowError::new_err(format!("{object} does not fit into an {name}"))
    } else {
        error
    }
}

/// Evaluates an expression with `$type` as the type of the number.
macro_rules! with_type {
    ($number:expr, $type:ident => $result:expr) => {
        match $number {
            $crate::native::data::number::Number::I8 => {
                type $type = i8;
                $result
            }
            $crate::native::data::number::Number::I16 => {
                type $type = i16;
                $result
            }
            $crate::native::data::number::Number::I32 => {
                type $type = i32;
                $result
            }
            $crate::native::data::number::Number::I64 => {
                type $type = i64;
                $result
            }
            $crate::native::data::number::Number::U8 => {
                type $type = u8;
                $result
            }
            $crate::native::data::number::Number::U16 => {
                type $type = u16;
                $result
            }
            $crate::native::data::number::Number::U32 => {
                type $type = u32;
                $result
            }
            $crate::native::data::number::Number::U64 => {
                type $type = u64;
                $result
            }
            $crate::native::data::number::Number::F32 => {
                type $type = f32;
                $result
            }
            $crate::native::data::number::Number::F64 => {
                type $type = f64;
                $result
            }
            $crate::native::data::number::Number::Bool => {
                type $type = bool;
                $result
            }
        }
    };
}

pub(crate) use with_type;

impl Number {
    /// Returns the type of number, if the layout is one.
    pub(crate) fn of(layout: &DynLayout) -> Option<Self> {
        let layout = unwrapped(layout);
        Some(match (layout.kind(), layout.size()) {
            (DynKind::Bool, 1) => Self::Bool,
            (DynKind::Integer { is_signed: true }, 1) => Self::I8,
            (DynKind::Integer { is_signed: true }, 2) => Self::I16,
            (DynKind::Integer { is_signed: true }, 4) => Self::I32,
            (DynKind::Integer { is_signed: true }, 8) => Self::I64,
            (DynKind::Integer { is_signed: false }, 1) => Self::U8,
            (DynKind::Integer { is_signed: false }, 2) => Self::U16,
            (DynKind::Integer { is_signed: false }, 4) => Self::U32,
            (DynKind::Integer { is_signed: false }, 8) => Self::U64,
            (DynKind::Float, 4) => Self::F32,
            (DynKind::Float, 8) => Self::F64,
            _ => return None,
        })
    }

    pub(crate) fn get(self, py: Python<'_>, root: &Root, offset: usize) -> PyResult<Py<PyAny>> {
        with_type!(self, T => Ok(root.load_at::<T>(py, offset)?.into_python(py)))
    }

    pub(crate) fn set(self, py: Python<'_>, root: &Root, offset: usize, object: &Bound<'_, PyAny>) -> PyResult<()> {
        with_type!(self, T => root.store_at::<T>(py, offset, T::from_python(object)?))
    }

    pub(crate) fn add(
        self,
        py: Python<'_>,
        root: &Root,
        offset: usize,
        amount: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        with_type!(self, T => add_at::<T>(py, root, offset, amount))
    }

    /// Returns the numbers in these bytes.
    pub(crate) fn list(self, py: Python<'_>, bytes: &[u8]) -> PyResult<Py<PyAny>> {
        with_type!(self, T => {
            let objects = bytes.chunks_exact(size_of::<T>()).map(|bytes| T::from_bytes(bytes).into_python(py));
            Ok(PyList::new(py, objects)?.into_any().unbind())
        })
    }
}

/// Adds to the number at an offset, and returns the sum.
#[inline]
pub(crate) fn add_at<T: Primitive>(
    py: Python<'_>,
    root: &Root,
    offset: usize,
    amount: &Bound<'_, PyAny>,
) -> PyResult<Py<PyAny>> {
    let amount = T::from_python(amount)?;
    match root.change_at::<T>(py, offset, |number| number.plus(amount))? {
        Some(sum) => Ok(sum.into_python(py)),
        None => Err(PyOverflowError::new_err("the sum does not fit, and nothing was changed")),
    }
}
