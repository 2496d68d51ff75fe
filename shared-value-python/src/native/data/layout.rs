//! `Layout`: the description of a value's bytes.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use shared_value::{DynField, DynKind, DynLayout};

use crate::native::error::OrRaise;

/// Describes the bytes of a value: type, size, alignment and parts. Two programs share a value if their layouts are equal.
#[pyclass(frozen, eq, hash, from_py_object, module = "shared_value")]
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Layout(pub(crate) DynLayout);

impl std::hash::Hash for Layout {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_string().hash(state);
    }
}

macro_rules! primitives {
    ($name:expr, $method:ident :: <T> ( $($before:expr),* ) $(, $otherwise:expr)?) => {
        match $name {
            "bool" => $method!(bool),
            "char" => $method!(char),
            "i8" => $method!(i8),
            "i16" => $method!(i16),
            "i32" => $method!(i32),
            "i64" => $method!(i64),
            "u8" => $method!(u8),
            "u16" => $method!(u16),
            "u32" => $method!(u32),
            "u64" => $method!(u64),
            "f32" => $method!(f32),
            "f64" => $method!(f64),
            _ => return Err(PyValueError::new_err(format!("no number has the name {:?}", $name))),
        }
    };
}

#[pymethods]
impl Layout {
    /// Return the layout of a number, `bool` or `char`, by Rust's name of it, such as `"i64"`.
    #[staticmethod]
    fn primitive(py: Python<'_>, name: &str) -> PyResult<Self> {
        macro_rules! of {
            ($type:ty) => {
                DynLayout::of::<$type>()
            };
        }
        let layout = primitives!(name, of::<T>());
        layout.or_raise(py).map(Self)
    }

    /// Return the layout that a schema describes.
    #[staticmethod]
    fn parse(py: Python<'_>, schema: &str) -> PyResult<Self> {
        DynLayout::parse(schema).or_raise(py).map(Self)
    }

    /// Return the layout of a `#[repr(C)]` struct. Each field is a name, a layout, and `"plain"`, `"atomic"` or `"counter"`. `lanes`
    /// is the number of lanes of its counters, 16 without it.
    #[staticmethod]
    #[pyo3(signature = (name, fields, *, evolves = false, lanes = None))]
    fn structure(
        py: Python<'_>,
        name: &str,
        fields: Vec<(String, Self, String)>,
        evolves: bool,
        lanes: Option<usize>,
    ) -> PyResult<Self> {
        let mut builder = DynLayout::structure(name);
        for (field, Self(layout), role) in fields {
            builder = match role.as_str() {
                PLAIN => builder.field_of(&field, layout),
                ATOMIC => builder.atomic_of(&field, layout),
                COUNTER => builder.counter_of(&field, layout),
                _ => {
                    let expected = format!("{PLAIN:?}, {ATOMIC:?} or {COUNTER:?}");
                    return Err(PyValueError::new_err(format!("field {field}: expected {expected}, found {role:?}")));
                }
            };
        }
        let builder = if evolves { builder.evolves() } else { builder };
        let builder = match lanes {
            Some(0) => return Err(PyValueError::new_err("counters have at least one lane: leave out `lanes` for 16")),
            Some(lanes) => builder.lanes(lanes),
            None => builder,
        };
        builder.build().or_raise(py).map(Self)
    }

    /// Return the layout of a fieldless enum, whose numbers are stored as this primitive.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "Python's lists are converted to vectors")]
    fn enumeration(py: Python<'_>, name: &str, repr: &str, variants: Vec<(String, i128)>) -> PyResult<Self> {
        macro_rules! of {
            ($type:ty) => {
                DynLayout::enumeration::<$type>(name)
            };
        }
        let builder = primitives!(repr, of::<T>());
        let builder = variants.iter().fold(builder, |builder, (name, number)| builder.variant(name, *number));
        builder.build().or_raise(py).map(Self)
    }

    /// Return the layout of text in this number of bytes: Rust's `FixedStr`.
    #[staticmethod]
    fn text(py: Python<'_>, size: usize) -> PyResult<Self> {
        DynLayout::text(size).or_raise(py).map(Self)
    }

    /// Return the layout of bytes whose meaning only the programs know.
    #[staticmethod]
    #[pyo3(signature = (size, align = 1))]
    fn bytes(py: Python<'_>, size: usize, align: usize) -> PyResult<Self> {
        DynLayout::bytes(size, align).or_raise(py).map(Self)
    }

    /// Return the layout of bytes for fields of later versions: Rust's `Reserved`.
    #[staticmethod]
    fn reserved(py: Python<'_>, size: usize) -> PyResult<Self> {
        DynLayout::reserved(size).or_raise(py).map(Self)
    }

    /// Return the layout of Rust's `SharedVec`: an array of these elements whose length changes.
    fn vector(&self, py: Python<'_>) -> PyResult<Self> {
        DynLayout::vector(self.0.clone()).or_raise(py).map(Self)
    }

    /// Return the layout of Rust's `SharedString`: a text whose length changes.
    #[staticmethod]
    fn shared_string() -> Self {
        Self(DynLayout::shared_string())
    }

    /// Return the layout of Rust's `SharedBytes`: bytes whose number changes.
    #[staticmethod]
    fn shared_bytes() -> Self {
        Self(DynLayout::shared_bytes())
    }

    /// Return the layout of an array of this many elements. Without a number, only the segment knows how many there are.
    #[pyo3(signature = (length = None))]
    fn array(&self, py: Python<'_>, length: Option<usize>) -> PyResult<Self> {
        let element = self.0.clone();
        let layout = match length {
            Some(length) => DynLayout::array(element, length),
            None => DynLayout::slice(element),
        };
        layout.or_raise(py).map(Self)
    }

    /// Return the layout of the part at a path such as `corners[1].x`.
    fn part(&self, py: Python<'_>, path: &str) -> PyResult<Self> {
        Ok(Self(self.0.part(path).or_raise(py)?.layout().clone()))
    }

    /// The name of the type.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// The size in bytes; 0 if only the segment knows it.
    #[getter]
    fn size(&self) -> usize {
        self.0.size()
    }

    /// The alignment in bytes.
    #[getter]
    fn align(&self) -> usize {
        self.0.align()
    }

    /// The schema: the text that segments contain.
    #[getter]
    fn schema(&self) -> String {
        self.0.to_string()
    }

    /// The type as Rust writes it, such as `[f64; 3]`.
    #[getter]
    fn type_text(&self) -> String {
        self.0.type_text()
    }

    /// The kind of type: `"integer"`, `"float"`, `"struct"`, `"array"` and so on.
    #[getter]
    pub(crate) fn kind(&self) -> &'static str {
        kind(&self.0)
    }

    /// The length of an array; `None` for all else.
    #[getter]
    fn length(&self) -> Option<usize> {
        if let DynKind::Array { length, .. } = unwrapped(&self.0).kind() { Some(*length) } else { None }
    }

    /// The layout of the elements of an array; `None` for all else.
    #[getter]
    fn element(&self) -> Option<Self> {
        match unwrapped(&self.0).kind() {
            DynKind::Array { element, .. } | DynKind::Slice { element } | DynKind::Vector { element } => {
                Some(Self((**element).clone()))
            }
            _ => None,
        }
    }

    /// The fields of a struct: name, offset in bytes, layout, and `"plain"`, `"atomic"` or `"counter"`. Reserved bytes are no field.
    #[getter]
    fn fields(&self) -> Vec<(String, usize, Self, &'static str)> {
        let DynKind::Struct { fields } = unwrapped(&self.0).kind() else { return Vec::new() };
        let fields = fields.iter().filter(|field| !field.layout().is_reserved());
        fields
            .map(|field| (field.name().to_owned(), field.offset(), Self(field.layout().clone()), role(field)))
            .collect()
    }

    /// The number of lanes of the counters of a struct; 0 if it has none.
    #[getter]
    fn lanes(&self) -> usize {
        unwrapped(&self.0).lanes()
    }

    /// The variants of an enum: name and number.
    #[getter]
    fn variants(&self) -> Vec<(String, i128)> {
        let DynKind::Enum { variants, .. } = unwrapped(&self.0).kind() else { return Vec::new() };
        variants.iter().map(|variant| (variant.name().to_owned(), variant.number())).collect()
    }

    fn __repr__(&self) -> String {
        format!("<Layout {}>", self.0.type_text())
    }
}

/// What a field of a struct is to its handles.
const PLAIN: &str = "plain";
const ATOMIC: &str = "atomic";
const COUNTER: &str = "counter";

fn role(field: &DynField) -> &'static str {
    match (field.is_atomic(), field.is_counter()) {
        (true, _) => ATOMIC,
        (_, true) => COUNTER,
        _ => PLAIN,
    }
}

/// Returns the layout under all newtypes. A text and bytes whose length changes are newtypes of vectors with a meaning of their own.
pub(crate) fn unwrapped(layout: &DynLayout) -> &DynLayout {
    let mut layout = layout;
    while let DynKind::Newtype { inner } = layout.kind() {
        if matches!(inner.kind(), DynKind::Vector { .. }) && growing(layout).is_some() {
            break;
        }
        layout = inner;
    }
    layout
}

/// Returns the elements of a vector, a text or bytes whose length changes.
pub(crate) fn vector_element(layout: &DynLayout) -> Option<&DynLayout> {
    match layout.kind() {
        DynKind::Vector { element } => Some(element),
        DynKind::Newtype { inner } => vector_element(inner),
        _ => None,
    }
}

/// What a vector of bytes stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growing {
    Text,
    Bytes,
}

/// Returns what a newtype of a vector stands for; `None` for all else.
pub(crate) fn growing(layout: &DynLayout) -> Option<Growing> {
    if !matches!(layout.kind(), DynKind::Newtype { .. }) {
        None
    } else if *layout == DynLayout::shared_string() {
        Some(Growing::Text)
    } else if *layout == DynLayout::shared_bytes() {
        Some(Growing::Bytes)
    } else {
        None
    }
}

fn kind(layout: &DynLayout) -> &'static str {
    let layout = unwrapped(layout);
    match growing(layout) {
        Some(Growing::Text) => return "shared_string",
        Some(Growing::Bytes) => return "shared_bytes",
        None => {}
    }
    match layout.kind() {
        DynKind::Bool => "bool",
        DynKind::Char => "char",
        DynKind::Integer { .. } => "integer",
        DynKind::Nonzero { .. } => "nonzero",
        DynKind::Optional { .. } => "optional",
        DynKind::Float => "float",
        DynKind::Text => "text",
        DynKind::Bytes => "bytes",
        DynKind::Reserved => "reserved",
        DynKind::Array { .. } => "array",
        DynKind::Slice { .. } => "slice",
        DynKind::Vector { .. } => "vector",
        DynKind::Struct { .. } => "struct",
        DynKind::Enum { .. } => "enum",
        _ => "unknown",
    }
}
