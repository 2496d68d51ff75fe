//! The attributes of handles: descriptors whose closures hold where the field lies.
//!
//! A descriptor of `PyDescr_NewGetSet` calls a function of Rust at once, with the object and a pointer to the closure. That takes a
//! third of the time of a `property`.
#![allow(unsafe_code)]

use std::ffi::{CString, c_int, c_void};
use std::ptr;
use std::sync::Arc;

use pyo3::exceptions::{PyAttributeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use shared_value::{DynKind, DynLayout};

use crate::call::guarded;
use crate::native::data::classes::{self, attribute};
use crate::native::data::convert::from_python;
use crate::native::data::layout::{Layout, unwrapped};
use crate::native::data::number::{Number, Primitive, with_type};
use crate::native::data::reader::Known;
use crate::native::handle::atomic::{Atomic, Words};
use crate::native::handle::counter::{Counter, Counters, not_set};
use crate::native::handle::value::{Value, is_composite};

/// What a descriptor knows of its field.
struct Field {
    name: Arc<str>,
    /// Where it starts in its struct.
    offset: usize,
    layout: Arc<DynLayout>,
    /// The part of the field outside of the slots. A field has one only if its struct is the whole value.
    outside: Option<Outside>,
    /// The class of handles of the field, if it has any.
    class: PyOnceLock<Py<PyType>>,
    /// How its data becomes an object.
    reader: Known,
}

/// The part of a field that lies outside of the slots, and is changed without the lock.
#[derive(Clone, Copy)]
enum Outside {
    Atomic(Words),
    Counters(Counters),
}

impl Outside {
    fn of(value: &DynLayout, name: &str) -> Option<Self> {
        let words = Words::of(value, name).map(Self::Atomic);
        words.or_else(|| Counters::of(value, name).map(Self::Counters))
    }

    fn object<'py>(self, py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
        Ok(match self {
            Self::Atomic(words) => Bound::new(py, Atomic::of(value, words))?.into_any(),
            Self::Counters(counters) => Bound::new(py, Counter::of(value, counters))?.into_any(),
        })
    }

    /// Returns whether an object is the one that `object` returns.
    fn is(self, object: &Bound<'_, PyAny>, value: &Value) -> bool {
        let root = &value.root;
        match self {
            Self::Atomic(words) => object.cast::<Atomic>().is_ok_and(|atomic| atomic.get().is_at(root, words)),
            Self::Counters(all) => object.cast::<Counter>().is_ok_and(|counter| counter.get().is_at(root, all)),
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Atomic(_) => "atomic ",
            Self::Counters(_) => "counter ",
        }
    }
}

impl Field {
    fn get<'py>(&self, py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
        if let Some(outside) = self.outside.filter(|_| value.is_whole) {
            return outside.object(py, value);
        }
        if is_composite(&self.layout) {
            let path = if value.path.is_empty() { Arc::clone(&self.name) } else { value.path_of(&self.name).into() };
            let part = value.part(path, self.offset, Arc::clone(&self.layout));
            let class = self.class.get_or_try_init(py, || classes::handle(py, &self.layout).map(Bound::unbind))?;
            return part.into_instance(class.bind(py));
        }
        let data = value.root.get(py, &value.path_of(&self.name), self.layout.size())?;
        self.reader.get(py, &self.layout)?.read(py, &data)
    }

    fn set(&self, py: Python<'_>, value: &Value, object: &Bound<'_, PyAny>) -> PyResult<()> {
        let path = value.path_of(&self.name);
        // `x.requests += 1` stores the object that it has read and changed.
        match self.outside.filter(|_| value.is_whole) {
            Some(outside) if outside.is(object, value) => return Ok(()),
            Some(Outside::Counters(_)) => return Err(not_set()),
            _ => {}
        }
        if let Ok(part) = object.cast::<Value>() {
            let part = part.get();
            if Arc::ptr_eq(&part.root, &value.root) && *part.path == *path {
                return Ok(());
            }
            return self.set(py, value, part.load(py)?.bind(py));
        }
        value.root.set(py, &path, &from_python(&self.layout, object)?)
    }
}

/// Add an attribute for each field of a struct to its class of handles; `value` for what is no struct. A field that would hide a
/// method has no attribute: it is found by its path.
#[pyfunction]
pub(crate) fn add_fields(class: &Bound<'_, PyType>, layout: &Layout) -> PyResult<()> {
    if !class.is_subclass_of::<Value>()? {
        return Err(PyTypeError::new_err("expected a class of handles"));
    }
    let DynKind::Struct { fields } = unwrapped(&layout.0).kind() else {
        return add(class, "value", "", 0, &layout.0, None);
    };
    for field in fields.iter().filter(|field| !field.layout().is_reserved()) {
        let name = attribute(field.name());
        if !class.hasattr(&*name)? {
            let outside = Outside::of(unwrapped(&layout.0), field.name());
            add(class, &name, field.name(), field.offset(), field.layout(), outside)?;
        }
    }
    Ok(())
}

fn add(
    class: &Bound<'_, PyType>,
    attribute: &str,
    field: &str,
    offset: usize,
    layout: &DynLayout,
    outside: Option<Outside>,
) -> PyResult<()> {
    let py = class.py();
    let text = |text: String| CString::new(text).map_err(|error| PyValueError::new_err(error.to_string()));
    let noun = outside.map_or("", Outside::noun);
    let doc = text(format!("{noun}{} at byte {offset}", layout.type_text()))?;
    let number = if outside.is_some() { None } else { Number::of(layout) };
    let (get, set): (ffi::getter, ffi::setter) = match number {
        Some(number) => with_type!(number, T => (get_number::<T>, set_number::<T>)),
        None => (get_field, set_field),
    };
    let layout = Arc::new(layout.clone());
    let known =
        Field { name: field.into(), offset, layout, outside, class: PyOnceLock::new(), reader: Known::default() };
    // The descriptor refers to these for as long as the program runs: classes of layouts are made once.
    let name = text(attribute.to_owned())?;
    let descriptor = Box::leak(Box::new(ffi::PyGetSetDef {
        name: Box::leak(name.into_boxed_c_str()).as_ptr(),
        get: Some(get),
        set: Some(set),
        doc: Box::leak(doc.into_boxed_c_str()).as_ptr(),
        closure: ptr::from_mut(Box::leak(Box::new(known))).cast(),
    }));
    // SAFETY: the class is a type, and the definition lives for ever.
    let made = unsafe { ffi::PyDescr_NewGetSet(class.as_type_ptr(), descriptor) };
    // SAFETY: the call returns a new reference, or null with an exception.
    let made = unsafe { Bound::from_owned_ptr_or_err(py, made) }?;
    class.setattr(attribute, made)
}

/// Returns the handle and the field of a call.
///
/// # Safety
/// - `object` is a living instance of `Value`, and `closure` points to the `Field` of a descriptor.
unsafe fn receiver(py: Python<'_>, object: *mut ffi::PyObject, closure: *mut c_void) -> (&Value, &Field) {
    // SAFETY: the caller keeps the object alive during the call.
    let object = unsafe { Borrowed::from_ptr(py, object) };
    // SAFETY: the descriptor has checked that the object is an instance of its class, which is a subclass of `Value`.
    let value = unsafe { object.cast_unchecked::<Value>() };
    // SAFETY: the field was leaked, and is never changed.
    (value.get(), unsafe { &*closure.cast::<Field>() })
}

unsafe extern "C" fn get_number<T: Primitive>(object: *mut ffi::PyObject, closure: *mut c_void) -> *mut ffi::PyObject {
    guarded(ptr::null_mut(), |py| {
        // SAFETY: the arguments are those of a descriptor.
        let (value, field) = unsafe { receiver(py, object, closure) };
        Ok(value.root.load_at::<T>(py, value.offset + field.offset)?.into_python(py).into_ptr())
    })
}

unsafe extern "C" fn set_number<T: Primitive>(
    object: *mut ffi::PyObject,
    new: *mut ffi::PyObject,
    closure: *mut c_void,
) -> c_int {
    guarded(-1, |py| {
        // SAFETY: the arguments are those of a descriptor.
        let (value, field) = unsafe { receiver(py, object, closure) };
        // SAFETY: the caller keeps the object alive during the call.
        let new = unsafe { Borrowed::from_ptr_or_opt(py, new) }.ok_or_else(|| undeletable(field))?;
        value.root.store_at::<T>(py, value.offset + field.offset, T::from_python(&new)?)?;
        Ok(0)
    })
}

unsafe extern "C" fn get_field(object: *mut ffi::PyObject, closure: *mut c_void) -> *mut ffi::PyObject {
    guarded(ptr::null_mut(), |_| {
        // Objects are dropped here, so the library that counts references has to know that the thread is attached.
        Python::attach(|py| {
            // SAFETY: the arguments are those of a descriptor.
            let (value, field) = unsafe { receiver(py, object, closure) };
            Ok(field.get(py, value)?.into_ptr())
        })
    })
}

unsafe extern "C" fn set_field(object: *mut ffi::PyObject, new: *mut ffi::PyObject, closure: *mut c_void) -> c_int {
    guarded(-1, |_| {
        Python::attach(|py| {
            // SAFETY: the arguments are those of a descriptor.
            let (value, field) = unsafe { receiver(py, object, closure) };
            // SAFETY: the caller keeps the object alive during the call.
            let new = unsafe { Borrowed::from_ptr_or_opt(py, new) }.ok_or_else(|| undeletable(field))?;
            field.set(py, value, &new)?;
            Ok(0)
        })
    })
}

#[cold]
fn undeletable(field: &Field) -> PyErr {
    PyAttributeError::new_err(format!("the field {} cannot be deleted", field.name))
}
