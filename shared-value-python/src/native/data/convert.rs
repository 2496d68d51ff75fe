//! Python objects as data of values.

use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyFloat, PyInt, PyMapping, PyString};
use shared_value::{DynData, DynField, DynKind, DynLayout};

use crate::native::data::classes;
use crate::native::data::fresh::bytes_of;
use crate::native::data::layout::{Growing, growing, unwrapped};

/// Returns the data for a Python object. The layout tells integers from floating-point numbers.
pub(crate) fn from_python(layout: &DynLayout, object: &Bound<'_, PyAny>) -> PyResult<DynData> {
    let layout = unwrapped(layout);
    match growing(layout) {
        Some(Growing::Bytes) => return Ok(DynData::Bytes(bytes_of(object)?.as_bytes().to_vec())),
        Some(Growing::Text) if !object.is_instance_of::<PyString>() => {
            return Err(PyTypeError::new_err(format!("expected a str, found {}", object.get_type().name()?)));
        }
        _ => {}
    }
    match layout.kind() {
        DynKind::Float => return Ok(DynData::F64(object.extract::<f64>()?)),
        DynKind::Integer { .. } | DynKind::Nonzero { .. } | DynKind::Optional { .. } => {
            if object.is_none() {
                return Ok(DynData::Optional(None));
            }
            return integer(object);
        }
        DynKind::Struct { .. } => return structure(layout, object),
        DynKind::Array { element, .. } | DynKind::Slice { element } | DynKind::Vector { element }
            if !object.is_instance_of::<PyString>() =>
        {
            let elements = object.try_iter()?;
            return Ok(DynData::Array(elements.map(|object| from_python(element, &object?)).collect::<PyResult<_>>()?));
        }
        DynKind::Bool if !object.is_instance_of::<PyBool>() => {
            let found = object.get_type().name()?;
            return Err(PyTypeError::new_err(format!("expected True or False, found {found}")));
        }
        _ => {}
    }
    any(object)
}

/// Returns the data for an object of which only its own type tells what it is.
fn any(object: &Bound<'_, PyAny>) -> PyResult<DynData> {
    if let Ok(value) = object.cast::<PyBool>() {
        return Ok(DynData::Bool(value.is_true()));
    }
    if let Ok(value) = object.cast::<PyString>() {
        return Ok(DynData::Text(value.to_str()?.to_owned()));
    }
    if object.cast::<PyInt>().is_ok() {
        return integer(object);
    }
    if let Ok(value) = object.cast::<PyFloat>() {
        return Ok(DynData::F64(value.value()));
    }
    if let Ok(value) = object.cast::<PyBytes>() {
        return Ok(DynData::Bytes(value.as_bytes().to_vec()));
    }
    if let Ok(value) = object.cast::<PyByteArray>() {
        return Ok(DynData::Bytes(value.to_vec()));
    }
    if let Ok(mapping) = object.cast::<PyMapping>() {
        let items = mapping.items()?;
        let fields = items.iter().map(|item| {
            let (name, object): (String, Bound<'_, PyAny>) = item.extract()?;
            Ok((name, any(&object)?))
        });
        return Ok(DynData::structure("", fields.collect::<PyResult<Vec<_>>>()?));
    }
    if let Ok(elements) = object.try_iter() {
        return Ok(DynData::Array(elements.map(|object| any(&object?)).collect::<PyResult<_>>()?));
    }
    let found = object.get_type().name()?;
    Err(PyTypeError::new_err(format!("expected a number, a text, bytes, a list, a mapping or a record, found {found}")))
}

fn integer(object: &Bound<'_, PyAny>) -> PyResult<DynData> {
    match object.extract::<i64>() {
        Ok(value) => Ok(DynData::Signed(value)),
        Err(error) if error.is_instance_of::<PyOverflowError>(object.py()) => {
            Ok(DynData::Unsigned(object.extract::<u64>()?))
        }
        Err(error) => Err(error),
    }
}

/// Returns the data of a struct, for a mapping or for an object with an attribute for each field.
fn structure(layout: &DynLayout, object: &Bound<'_, PyAny>) -> PyResult<DynData> {
    let DynKind::Struct { fields } = layout.kind() else { return any(object) };
    let mapping = object.cast::<PyMapping>().ok();
    if let Some(mapping) = mapping {
        for name in mapping.keys()?.iter() {
            let name: String = name.extract()?;
            if !fields.iter().any(|field| field.name() == name) {
                return Err(PyTypeError::new_err(format!("the struct {} has no field {name:?}", layout.name())));
            }
        }
    }
    let mut given = Vec::with_capacity(fields.len());
    for field in fields.iter().filter(|field| !field.layout().is_reserved()) {
        let found = match mapping {
            Some(mapping) if mapping.contains(field.name())? => Some(mapping.get_item(field.name())?),
            Some(_) => None,
            None => object.getattr_opt(classes::attribute(field.name()).as_ref())?,
        };
        match found {
            // An atomic field or a counter that is left out stays as it is.
            Some(object) if is_outside(field) && object.is_none() => {}
            Some(object) => given.push((field.name().to_owned(), from_python(field.layout(), &object)?)),
            None if is_outside(field) => {}
            None => {
                let message = format!("the struct {} needs a field {:?}", layout.name(), field.name());
                return Err(PyTypeError::new_err(message));
            }
        }
    }
    Ok(DynData::structure(layout.name(), given))
}

/// Returns whether a field has words of its own, outside of what a commit replaces.
fn is_outside(field: &DynField) -> bool {
    field.is_atomic() || field.is_counter()
}
