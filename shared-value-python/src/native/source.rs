//! Where a value is found, and where it is made.

use std::path::PathBuf;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;
use shared_value::{Location, Source};

use crate::native::descriptor::duplicate;
use crate::native::socket::Socket;

/// The text of a token, from `token()` of a handle in this or another process of this user.
#[pyclass(frozen, eq, hash, str = "{0}", module = "shared_value")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Token(String);

#[pymethods]
impl Token {
    #[new]
    fn new(text: String) -> Self {
        Self(text)
    }

    fn __repr__(&self) -> String {
        format!("Token({:?})", self.0)
    }
}

/// A value that the parent program has passed under this name, by `pass_to()` or Rust's `pass_to`.
#[pyclass(frozen, module = "shared_value")]
pub(crate) struct Inherited(String);

#[pymethods]
impl Inherited {
    #[new]
    fn new(name: String) -> Self {
        Self(name)
    }

    fn __repr__(&self) -> String {
        format!("Inherited({:?})", self.0)
    }
}

/// A value in the file of a descriptor, which stays open.
#[pyclass(frozen, module = "shared_value")]
pub(crate) struct Descriptor(i32);

#[pymethods]
impl Descriptor {
    #[new]
    fn new(number: i32) -> PyResult<Self> {
        if number < 0 {
            return Err(PyValueError::new_err("a descriptor is not negative"));
        }
        Ok(Self(number))
    }

    fn __repr__(&self) -> String {
        format!("Descriptor({})", self.0)
    }
}

/// A place in a form that owns what it refers to.
pub(crate) enum Place {
    Name(String),
    Path(PathBuf),
    Token(String),
    Inherited(String),
    Socket(Socket),
    Descriptor(std::os::fd::OwnedFd),
}

impl Place {
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(name) = object.cast::<PyString>() {
            return Ok(Self::Name(name.to_str()?.to_owned()));
        }
        if let Ok(token) = object.cast::<Token>() {
            return Ok(Self::Token(token.get().0.clone()));
        }
        if let Ok(name) = object.cast::<Inherited>() {
            return Ok(Self::Inherited(name.get().0.clone()));
        }
        if let Ok(descriptor) = object.cast::<Descriptor>() {
            return Ok(Self::Descriptor(duplicate(descriptor.get().0)?));
        }
        if object.hasattr("__fspath__")? {
            return Ok(Self::Path(object.extract()?));
        }
        if object.hasattr("sendmsg")? {
            return Socket::of(object).map(Self::Socket);
        }
        let found = object.get_type().name()?;
        Err(PyTypeError::new_err(format!(
            "expected a name, a path, a Token, an Inherited, a Descriptor or a Unix socket, found {found}"
        )))
    }

    pub(crate) fn source(&self) -> Source<'_> {
        match self {
            Self::Name(name) => name.into(),
            Self::Path(path) => path.into(),
            Self::Token(text) => Source::token(text.as_str()),
            Self::Inherited(name) => Source::inherited(name.as_str()),
            Self::Socket(socket) => socket.stream().into(),
            Self::Descriptor(descriptor) => Source::descriptor(descriptor),
        }
    }

    /// Returns the place as one where something can be created.
    pub(crate) fn location(&self) -> PyResult<Location<'_>> {
        match self {
            Self::Name(name) => Ok(name.into()),
            Self::Path(path) => Ok(path.into()),
            _ => Err(PyTypeError::new_err("a value is created under a name or in a file: expected a str or a path")),
        }
    }
}
