//! The methods that programs call most often, as descriptors without a detour.
//!
//! Python calls a method at once if its descriptor was made for the very class of the object. One that is inherited costs a third
//! more, so each class of handles gets its own `lock` and `add`.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::{ptr, slice};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi::{self, Py_ssize_t, PyMethodDefPointer, PyObject};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};

use crate::call::guarded;
use crate::native::data::layout::Layout;
use crate::native::data::number::{Number, Primitive, add_at, with_type};
use crate::native::handle::value::{Block, Value};

/// Add its own `lock` to a class of handles, and of numbers its own `add`.
#[pyfunction]
pub(crate) fn add_methods(class: &Bound<'_, PyType>, layout: &Layout) -> PyResult<()> {
    if !class.is_subclass_of::<Value>()? {
        return Err(PyTypeError::new_err("expected a class of handles"));
    }
    add(
        class,
        "lock",
        PyMethodDefPointer { PyCFunctionFastWithKeywords: lock },
        ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
    )?;
    let Some(number) = Number::of(&layout.0) else { return Ok(()) };
    let function: ffi::PyCFunction = with_type!(number, T => add_number::<T>);
    add(class, "add", PyMethodDefPointer { PyCFunction: function }, ffi::METH_O)
}

/// Adds the methods of blocks that hold a lock.
pub(crate) fn add_block_methods(class: &Bound<'_, PyType>) -> PyResult<()> {
    add(class, "__enter__", PyMethodDefPointer { PyCFunction: enter }, ffi::METH_NOARGS)?;
    add(class, "__exit__", PyMethodDefPointer { PyCFunctionFast: exit }, ffi::METH_FASTCALL)
}

/// Adds a method in place of the one that the class has, or has inherited, whose documentation it takes over.
fn add(class: &Bound<'_, PyType>, name: &str, function: PyMethodDefPointer, flags: i32) -> PyResult<()> {
    let text = |text: String| CString::new(text).map_err(|error| PyValueError::new_err(error.to_string()));
    let former = class.getattr(name)?;
    let signature: Option<String> = former.getattr("__text_signature__")?.extract()?;
    let doc: Option<String> = former.getattr("__doc__")?.extract()?;
    let doc = text(format!("{name}{}\n--\n\n{}", signature.unwrap_or_default(), doc.unwrap_or_default()))?;
    let name_of_it = text(name.to_owned())?;
    // The descriptor refers to these for as long as the program runs: classes of layouts are made once.
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: Box::leak(name_of_it.into_boxed_c_str()).as_ptr(),
        ml_meth: function,
        ml_flags: flags,
        ml_doc: Box::leak(doc.into_boxed_c_str()).as_ptr(),
    }));
    // SAFETY: the class is a type, and the definition lives for ever. Its flags say what the function takes.
    let made = unsafe { ffi::PyDescr_NewMethod(class.as_type_ptr(), definition) };
    // SAFETY: the call returns a new reference, or null with an exception.
    let made = unsafe { Bound::from_owned_ptr_or_err(class.py(), made) }?;
    class.setattr(name, made)
}

unsafe extern "C" fn add_number<T: Primitive>(object: *mut PyObject, amount: *mut PyObject) -> *mut PyObject {
    guarded(ptr::null_mut(), |py| {
        // SAFETY: the caller keeps the object alive during the call.
        let object = unsafe { Borrowed::from_ptr(py, object) };
        // SAFETY: the descriptor has checked that the object is an instance of its class, which is a subclass of `Value`.
        let value = unsafe { object.cast_unchecked::<Value>() }.get();
        // SAFETY: the caller keeps the argument alive during the call.
        let amount = unsafe { Borrowed::from_ptr(py, amount) };
        Ok(add_at::<T>(py, &value.root, value.offset, &amount)?.into_ptr())
    })
}

unsafe extern "C" fn lock(
    object: *mut PyObject,
    arguments: *const *mut PyObject,
    count: Py_ssize_t,
    names: *mut PyObject,
) -> *mut PyObject {
    guarded(ptr::null_mut(), |py| {
        // SAFETY: the caller keeps the object alive during the call.
        let object = unsafe { Borrowed::from_ptr(py, object) };
        // SAFETY: the descriptor has checked that the object is an instance of its class, which is a subclass of `Value`.
        let value = unsafe { object.cast_unchecked::<Value>() };
        let timeout = if count == 0 && names.is_null() {
            None
        } else {
            // SAFETY: these are the arguments of a call of Python: `count` without a name, then one for each name in the tuple.
            unsafe { timeout_of(py, arguments, count, names) }?
        };
        Ok(Block::of(&value, timeout)?.into_ptr())
    })
}

/// Returns the timeout that `lock` was given, by its position or by its name.
///
/// # Safety
/// - `arguments` points to `count` arguments without a name, then to one for each name in the tuple `names`, which may be null.
#[cold]
unsafe fn timeout_of(
    py: Python<'_>,
    arguments: *const *mut PyObject,
    count: Py_ssize_t,
    names: *mut PyObject,
) -> PyResult<Option<f64>> {
    // SAFETY: the caller keeps the tuple alive during the call.
    let names = unsafe { Borrowed::from_ptr_or_opt(py, names) };
    // SAFETY: Python gives the names as a tuple of `str`.
    let names = names.as_ref().map(|names| unsafe { names.cast_unchecked::<PyTuple>() });
    let given = count.unsigned_abs() + names.as_ref().map_or(0, |names| names.len());
    let name = names.as_ref().map(|names| names.get_item(0)).transpose()?;
    if let Some(name) = name.filter(|name| !name.cast::<PyString>().is_ok_and(|name| name == "timeout")) {
        return Err(PyTypeError::new_err(format!("lock() got an unexpected keyword argument '{name}'")));
    }
    if given != 1 {
        return Err(PyTypeError::new_err(format!(
            "lock() takes a timeout and nothing else: {given} arguments were given"
        )));
    }
    // SAFETY: there is one argument.
    let arguments = unsafe { slice::from_raw_parts(arguments, 1) };
    // SAFETY: the caller keeps the argument alive during the call.
    unsafe { Borrowed::from_ptr(py, arguments[0]) }.extract()
}

/// Returns the block of a call.
///
/// # Safety
/// - `object` is a living instance of `Block`.
unsafe fn block(py: Python<'_>, object: *mut PyObject) -> &Block {
    // SAFETY: the caller keeps the object alive during the call.
    let object = unsafe { Borrowed::from_ptr(py, object) };
    // SAFETY: the caller says that it is a block.
    unsafe { object.cast_unchecked::<Block>() }.get()
}

unsafe extern "C" fn enter(object: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    guarded(ptr::null_mut(), |py| {
        // SAFETY: the descriptor has checked that the object is a block.
        Ok(unsafe { block(py, object) }.enter(py)?.into_ptr())
    })
}

unsafe extern "C" fn exit(object: *mut PyObject, arguments: *mut *mut PyObject, count: Py_ssize_t) -> *mut PyObject {
    guarded(ptr::null_mut(), |py| {
        if count != 3 {
            return Err(PyTypeError::new_err(format!("__exit__() takes 3 arguments: {count} were given")));
        }
        // SAFETY: Python gives as many arguments as it says.
        let kind = unsafe { *arguments };
        // SAFETY: `None` lives for ever.
        let none = unsafe { ffi::Py_None() };
        // SAFETY: the descriptor has checked that the object is a block.
        unsafe { block(py, object) }.leave(py, !ptr::eq(kind, none))?;
        Ok(py.None().into_ptr())
    })
}
