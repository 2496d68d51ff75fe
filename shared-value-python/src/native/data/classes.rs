//! The classes that stand for layouts: handles, records and enums. The Python part of the package makes them, once for each
//! layout.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use shared_value::DynLayout;

use crate::native::data::layout::{Layout, unwrapped};

/// The classes of one kind, by schema.
struct Classes {
    /// The function that makes one.
    maker: &'static str,
    function: PyOnceLock<Py<PyAny>>,
    made: Mutex<Option<HashMap<String, Py<PyType>>>>,
}

impl Classes {
    const fn of(maker: &'static str) -> Self {
        Self { maker, function: PyOnceLock::new(), made: Mutex::new(None) }
    }

    fn get<'py>(&self, py: Python<'py>, layout: &DynLayout) -> PyResult<Bound<'py, PyType>> {
        let schema = layout.to_string();
        if let Some(class) = self.with(|made| made.get(&schema).map(|class| class.bind(py).clone())) {
            return Ok(class);
        }
        let function = self.function.get_or_try_init(py, || {
            Ok::<_, PyErr>(py.import("shared_value._classes")?.getattr(self.maker)?.unbind())
        })?;
        let class = function.bind(py).call1((Layout(layout.clone()),))?.cast_into::<PyType>()?;
        // Another thread may have been first.
        Ok(self.with(|made| made.entry(schema).or_insert_with(|| class.unbind()).bind(py).clone()))
    }

    fn with<R>(&self, work: impl FnOnce(&mut HashMap<String, Py<PyType>>) -> R) -> R {
        let mut made = self.made.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        work(made.get_or_insert_default())
    }
}

static HANDLES: Classes = Classes::of("handle_class");
static RECORDS: Classes = Classes::of("record_class");
static ENUMS: Classes = Classes::of("enum_class");

static DECLARATIONS: AtomicUsize = AtomicUsize::new(0);

/// Returns the class of handles of values or parts of this layout.
pub(crate) fn handle<'py>(py: Python<'py>, layout: &DynLayout) -> PyResult<Bound<'py, PyType>> {
    HANDLES.get(py, unwrapped(layout))
}

/// Returns the class of records of this struct.
pub(crate) fn record<'py>(py: Python<'py>, layout: &DynLayout) -> PyResult<Bound<'py, PyType>> {
    RECORDS.get(py, unwrapped(layout))
}

/// Returns the `enum.IntEnum` of this enum.
pub(crate) fn enumeration<'py>(py: Python<'py>, layout: &DynLayout) -> PyResult<Bound<'py, PyType>> {
    ENUMS.get(py, unwrapped(layout))
}

/// Lets programs that declare a type see their own class for it: records of this struct, or the numbers of this enum.
#[pyfunction]
pub(crate) fn declare(layout: &Layout, class: Bound<'_, PyType>) {
    let classes = if layout.kind() == "enum" { &ENUMS } else { &RECORDS };
    let former = classes.with(|made| made.insert(unwrapped(&layout.0).to_string(), class.unbind()));
    DECLARATIONS.fetch_add(1, Ordering::Relaxed);
    drop(former);
}

/// Returns how many types the program has declared so far.
pub(crate) fn declarations() -> usize {
    DECLARATIONS.load(Ordering::Relaxed)
}

/// Returns whether Python does not take this as the name of an attribute.
#[rustfmt::skip]
fn is_keyword(name: &str) -> bool {
    matches!(
        name,
        "False" | "None" | "True" | "and" | "as" | "assert" | "async" | "await" | "break" | "class" | "continue" | "def" | "del"
            | "elif" | "else" | "except" | "finally" | "for" | "from" | "global" | "if" | "import" | "in" | "is" | "lambda"
            | "nonlocal" | "not" | "or" | "pass" | "raise" | "return" | "try" | "while" | "with" | "yield"
    )
}

/// Returns the name of the attribute for a field. Fields of tuple structs are numbers: `_0` stands for the first. `class_` stands
/// for a field `class`, because that is a keyword.
pub(crate) fn attribute(field: &str) -> Cow<'_, str> {
    if field.starts_with(|first: char| first.is_ascii_digit()) {
        format!("_{field}").into()
    } else if is_keyword(field) {
        format!("{field}_").into()
    } else {
        field.into()
    }
}

/// Return the name of the attribute for a field: `_0` for `0`, `class_` for `class`.
#[pyfunction]
pub(crate) fn attribute_of(field: &str) -> String {
    attribute(field).into_owned()
}
