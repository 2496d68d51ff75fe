//! The native API: values of any type, by the schemas in their segments.

mod arena;
pub(crate) mod data;
pub(crate) mod descriptor;
mod error;
mod handle;
mod names;
mod open;
mod socket;
mod source;

use pyo3::prelude::*;

use crate::native::data::{classes, layout};
use crate::native::handle::{atomic, counter, fields, methods, value, waiting};

/// Adds the classes and functions of the native API to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<layout::Layout>()?;
    module.add_class::<value::Value>()?;
    module.add_class::<atomic::Atomic>()?;
    module.add_class::<counter::Counter>()?;
    module.add_class::<source::Token>()?;
    module.add_class::<source::Inherited>()?;
    module.add_class::<source::Descriptor>()?;
    module.add_class::<waiting::Changes>()?;
    module.add_class::<value::Block>()?;
    methods::add_block_methods(&module.py().get_type::<value::Block>())?;
    module.add_class::<arena::Arena>()?;
    module.add_class::<arena::ArenaChanges>()?;
    module.add_class::<arena::Transaction>()?;
    module.add_function(wrap_pyfunction!(arena::create_arena, module)?)?;
    module.add_function(wrap_pyfunction!(arena::open_arena, module)?)?;
    module.add_function(wrap_pyfunction!(arena::run_transaction, module)?)?;
    module.add_function(wrap_pyfunction!(classes::declare, module)?)?;
    module.add_function(wrap_pyfunction!(classes::attribute_of, module)?)?;
    module.add_function(wrap_pyfunction!(fields::add_fields, module)?)?;
    module.add_function(wrap_pyfunction!(methods::add_methods, module)?)?;
    module.add_function(wrap_pyfunction!(open::open_value, module)?)?;
    module.add_function(wrap_pyfunction!(open::create_value, module)?)?;
    module.add_function(wrap_pyfunction!(waiting::changes_of, module)?)?;
    module.add_function(wrap_pyfunction!(names::names, module)?)?;
    module.add_function(wrap_pyfunction!(names::unlink, module)?)?;
    Ok(())
}
