//! `Reader`: how data of a layout becomes Python objects.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyList, PyString, PyType};
use shared_value::{DynData, DynKind, DynLayout};

use crate::native::data::classes;
use crate::native::data::layout::unwrapped;

/// The classes of a layout and of its parts, which are found by their schemas. That takes longer than a read, so each handle
/// keeps what it has found.
pub(crate) enum Reader {
    /// The data says what it becomes: a number, a text, bytes.
    Plain,
    Enum(Py<PyType>),
    Elements(Box<Self>),
    Struct {
        class: Py<PyType>,
        fields: Vec<Field>,
    },
}

/// How a field of a struct becomes an attribute.
pub(crate) struct Field {
    name: String,
    attribute: Py<PyString>,
    reader: Reader,
}

impl Reader {
    /// Finds the classes of a layout.
    pub(crate) fn of(py: Python<'_>, layout: &DynLayout) -> PyResult<Self> {
        let layout = unwrapped(layout);
        Ok(match layout.kind() {
            DynKind::Enum { .. } => Self::Enum(classes::enumeration(py, layout)?.unbind()),
            DynKind::Array { element, .. } | DynKind::Slice { element } | DynKind::Vector { element } => {
                Self::Elements(Box::new(Self::of(py, element)?))
            }
            DynKind::Struct { fields } => {
                // Reserved bytes have no data.
                let fields = fields.iter().filter(|field| !field.layout().is_reserved());
                let fields = fields.map(|field| {
                    let attribute = PyString::intern(py, &classes::attribute(field.name())).unbind();
                    Ok(Field { name: field.name().to_owned(), attribute, reader: Self::of(py, field.layout())? })
                });
                let fields = fields.collect::<PyResult<_>>()?;
                Self::Struct { class: classes::record(py, layout)?.unbind(), fields }
            }
            _ => Self::Plain,
        })
    }

    /// Returns the Python object for data: a number, a text, a list, a record.
    pub(crate) fn read<'py>(&self, py: Python<'py>, data: &DynData) -> PyResult<Bound<'py, PyAny>> {
        Ok(match (self, data) {
            (_, DynData::Newtype { inner, .. }) => self.read(py, inner)?,
            (_, DynData::Bool(value)) => PyBool::new(py, *value).to_owned().into_any(),
            (_, DynData::Char(value)) => PyString::new(py, value.encode_utf8(&mut [0; 4])).into_any(),
            (_, DynData::Signed(value)) => value.into_pyobject(py)?.into_any(),
            (_, DynData::Unsigned(value)) => value.into_pyobject(py)?.into_any(),
            (_, DynData::F32(value)) => PyFloat::new(py, (*value).into()).into_any(),
            (_, DynData::F64(value)) => PyFloat::new(py, *value).into_any(),
            (_, DynData::Optional(None)) => py.None().into_bound(py),
            (_, DynData::Optional(Some(value))) => self.read(py, value)?,
            (_, DynData::Text(text)) => PyString::new(py, text).into_any(),
            (_, DynData::Bytes(bytes)) => PyBytes::new(py, bytes).into_any(),
            (Self::Enum(class), DynData::Enum { number, .. }) => class.bind(py).call1((*number,))?,
            (reader, DynData::Array(elements)) => {
                let reader = if let Self::Elements(reader) = reader { reader } else { reader };
                let list = PyList::empty(py);
                for data in elements {
                    list.append(reader.read(py, data)?)?;
                }
                list.into_any()
            }
            (Self::Struct { class, fields }, DynData::Struct { fields: given, .. }) => {
                let values = PyDict::new(py);
                for (index, (name, data)) in given.iter().enumerate() {
                    // They come in order.
                    let field = fields.get(index).filter(|field| field.name == *name);
                    let field = field.or_else(|| fields.iter().find(|field| field.name == *name));
                    let Some(field) = field else { return Err(PyTypeError::new_err(format!("no field `{name}`"))) };
                    values.set_item(&field.attribute, field.reader.read(py, data)?)?;
                }
                class.bind(py).call((), Some(&values))?
            }
            // Bytes that a typecode describes, which has no layout of its own here.
            (_, DynData::Struct { fields, .. }) => {
                let values = PyDict::new(py);
                for (name, data) in fields {
                    values.set_item(name, Self::Plain.read(py, data)?)?;
                }
                values.into_any()
            }
            (_, other) => return Err(PyTypeError::new_err(format!("no Python object stands for {other}"))),
        })
    }
}

/// The reader of a handle, once it was found.
#[derive(Default)]
pub(crate) struct Known {
    /// The class of the records or numbers, if the program has said it for this handle.
    class: OnceLock<Py<PyType>>,
    reader: Mutex<Option<(usize, Arc<Reader>)>>,
}

impl Known {
    /// Lets a handle that has read nothing yet read instances of this class.
    pub(crate) fn choose(&self, class: &Bound<'_, PyType>) {
        let _ = self.class.set(class.clone().unbind());
    }

    /// Lets another one read instances of the same class.
    pub(crate) fn copy_to(&self, py: Python<'_>, other: &Self) {
        if let Some(class) = self.class.get() {
            other.choose(class.bind(py));
        }
    }

    /// Returns the reader of the layout: the one of the call before, unless the program has declared a class since.
    pub(crate) fn get(&self, py: Python<'_>, layout: &DynLayout) -> PyResult<Arc<Reader>> {
        let declared = classes::declarations();
        let known = || self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, reader)) = known().as_ref().filter(|(found, _)| *found == declared) {
            return Ok(Arc::clone(reader));
        }
        // This runs code of Python, which may come back here.
        let reader = match (Reader::of(py, layout)?, self.class.get()) {
            (Reader::Struct { fields, .. }, Some(class)) => Reader::Struct { class: class.clone_ref(py), fields },
            (Reader::Enum(_), Some(class)) => Reader::Enum(class.clone_ref(py)),
            (reader, _) => reader,
        };
        let reader = Arc::new(reader);
        let former = known().replace((declared, Arc::clone(&reader)));
        drop(former);
        Ok(reader)
    }
}
