//! The extension module of the Python package `shared-value`.

mod call;
mod drop_in;
mod interpreter;
mod native;
mod task;
mod text;
mod wait;

use pyo3::prelude::*;

/// Typed values in shared memory: the part of the package that is written in Rust.
#[pymodule(name = "_core")]
fn core_module(module: &Bound<'_, PyModule>) -> PyResult<()> {
    interpreter::check(module.py())?;
    native::register(module)?;
    drop_in::register(module)?;
    Ok(())
}
