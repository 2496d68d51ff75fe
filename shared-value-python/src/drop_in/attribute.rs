//! The attributes of wrappers: those of the wrapped object, read and written under the lock.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::{CString, c_int, c_void};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::{PyAttributeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use super::wrapper::SynchronizedBase;
use crate::call::guarded;

/// Adds an attribute for each of these names to a class of wrappers.
#[pyfunction]
pub(super) fn guard_attributes(class: &Bound<'_, PyType>, names: Vec<String>) -> PyResult<()> {
    if !class.is_subclass_of::<SynchronizedBase>()? {
        return Err(PyTypeError::new_err("expected a class of wrappers"));
    }
    for name in names {
        let definition = definition(class.py(), &name)?;
        // SAFETY: the class is a type, and the definition lives for ever.
        let made = unsafe { ffi::PyDescr_NewGetSet(class.as_type_ptr(), definition.0) };
        // SAFETY: the call returns a new reference, or null with an exception.
        let made = unsafe { Bound::from_owned_ptr_or_err(class.py(), made) }?;
        class.setattr(name, made)?;
    }
    Ok(())
}

/// The definition to which the descriptors of a name refer, for as long as the program runs.
#[derive(Clone, Copy)]
struct Definition(*mut ffi::PyGetSetDef);

// SAFETY: it was leaked, and is never changed.
unsafe impl Send for Definition {}

/// Returns the definition of a name: one for all classes, since classes of structs come and go.
fn definition(py: Python<'_>, name: &str) -> PyResult<Definition> {
    static MADE: Mutex<Option<HashMap<String, Definition>>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let made = made.get_or_insert_default();
    if let Some(definition) = made.get(name) {
        return Ok(*definition);
    }
    let text = CString::new(name).map_err(|error| PyValueError::new_err(error.to_string()))?;
    let interned = PyString::intern(py, name).unbind();
    let definition = Definition(Box::leak(Box::new(ffi::PyGetSetDef {
        name: Box::leak(text.into_boxed_c_str()).as_ptr(),
        get: Some(if name == "value" { get_value } else { get }),
        set: Some(set),
        doc: c"The attribute of the wrapped object, under the lock.".as_ptr(),
        closure: ptr::from_mut(Box::leak(Box::new(interned))).cast(),
    })));
    made.insert(name.to_owned(), definition);
    Ok(definition)
}

/// Returns the wrapper and the name of a call.
///
/// # Safety
/// - `object` is a living instance of `SynchronizedBase`, and `closure` points to the name of a definition.
unsafe fn receiver(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    closure: *mut c_void,
) -> (&SynchronizedBase, &Bound<'_, PyString>) {
    // SAFETY: the caller keeps the object alive during the call.
    let object = unsafe { Borrowed::from_ptr(py, object) };
    // SAFETY: the descriptor has checked that the object is an instance of its class, which is a subclass of `SynchronizedBase`.
    let wrapper = unsafe { object.cast_unchecked::<SynchronizedBase>() };
    // SAFETY: the name was leaked, and is never changed.
    let name = unsafe { &*closure.cast::<Py<PyString>>() };
    (wrapper.get(), name.bind(py))
}

unsafe extern "C" fn get(object: *mut ffi::PyObject, closure: *mut c_void) -> *mut ffi::PyObject {
    guarded(ptr::null_mut(), |py| {
        // SAFETY: the arguments are those of a descriptor.
        let (wrapper, name) = unsafe { receiver(py, object, closure) };
        Ok(wrapper.guarded(py, |obj| obj.getattr(name))?.into_ptr())
    })
}

/// The getter of `value`, as which numbers are read.
unsafe extern "C" fn get_value(object: *mut ffi::PyObject, closure: *mut c_void) -> *mut ffi::PyObject {
    guarded(ptr::null_mut(), |py| {
        // SAFETY: the arguments are those of a descriptor.
        let (wrapper, _) = unsafe { receiver(py, object, closure) };
        Ok(wrapper.read_value(py)?.into_ptr())
    })
}

unsafe extern "C" fn set(object: *mut ffi::PyObject, new: *mut ffi::PyObject, closure: *mut c_void) -> c_int {
    guarded(-1, |py| {
        // SAFETY: the arguments are those of a descriptor.
        let (wrapper, name) = unsafe { receiver(py, object, closure) };
        // SAFETY: the caller keeps the object alive during the call.
        let new = unsafe { Borrowed::from_ptr_or_opt(py, new) };
        let new = new.ok_or_else(|| PyAttributeError::new_err(format!("the attribute {name} cannot be deleted")))?;
        wrapper.guarded(py, |obj| obj.setattr(name, new))?;
        Ok(0)
    })
}
