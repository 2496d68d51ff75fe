//! `Direct`: a number in shared memory, which is read without the detour of ctypes.

use std::ptr;

use pyo3::prelude::*;
use pyo3::types::PyType;

use super::memory::Memory;
use crate::native::data::number::{Number, Primitive, with_type};

/// The number of a ctypes object that has memory of its own.
pub(super) struct Direct {
    class: Py<PyType>,
    memory: Py<Memory>,
    number: Number,
}

impl Direct {
    /// Returns the number of an object, if the object is a number of `ctypes` itself at the start of its memory.
    pub(super) fn of(obj: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let (py, class) = (obj.py(), obj.get_type());
        let ctypes = py.import("ctypes")?;
        // A class of another byte order has the same name, and a program may read `value` in its own way.
        let is_known = ctypes.getattr_opt(class.name()?)?.is_some_and(|known| known.is(&class));
        let value = ctypes.getattr("_SimpleCData")?.getattr("value")?;
        let is_known = is_known && class.getattr_opt("value")?.is_some_and(|own| own.is(&value));
        let Some(number) = number_of(&class).filter(|_| is_known) else { return Ok(None) };
        let memory = obj.getattr_opt("_wrapper")?.map(Bound::cast_into::<Memory>);
        let Some(Ok(memory)) = memory else { return Ok(None) };
        let cell = memory.get().cell();
        let address: usize = ctypes.call_method1("addressof", (obj,))?.extract()?;
        let fits = with_type!(number, T => size_of::<T>()) <= cell.length();
        if address != cell.pointer().addr() || !fits {
            return Ok(None);
        }
        Ok(Some(Self { class: class.unbind(), memory: memory.unbind(), number }))
    }

    /// Returns whether an object is of the class that it was of. Programs may change it.
    #[inline]
    pub(super) fn is_of(&self, obj: &Bound<'_, PyAny>) -> bool {
        ptr::eq(obj.get_type_ptr().cast(), self.class.as_ptr())
    }

    /// Reads the number.
    #[inline]
    pub(super) fn read(&self, py: Python<'_>) -> Py<PyAny> {
        let cell = self.memory.get().cell();
        with_type!(self.number, T => T::from_bytes(&cell.first_word()[..size_of::<T>()]).into_python(py))
    }
}

/// Returns the type of number of a ctypes class.
fn number_of(class: &Bound<'_, PyType>) -> Option<Number> {
    let code: String = class.getattr_opt("_type_").ok()??.extract().ok()?;
    Some(match (&*code, size_of::<std::ffi::c_long>()) {
        ("b", _) => Number::I8,
        ("B", _) => Number::U8,
        ("h", _) => Number::I16,
        ("H", _) => Number::U16,
        ("i", _) | ("l", 4) => Number::I32,
        ("I", _) | ("L", 4) => Number::U32,
        ("q", _) | ("l", 8) => Number::I64,
        ("Q", _) | ("L", 8) => Number::U64,
        ("f", _) => Number::F32,
        ("d", _) => Number::F64,
        ("?", _) => Number::Bool,
        _ => return None,
    })
}
