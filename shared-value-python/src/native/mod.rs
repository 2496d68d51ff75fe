//! The native API: values of any type, by the schemas in their segments.

mod names;

use pyo3::prelude::*;

/// Adds the classes and functions of the native API to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(names::names, module)?)?;
    Ok(())
}
