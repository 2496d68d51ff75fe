//! `shared_value.multiprocessing`: what that package has of Rust. The rest is Python, in `python/shared_value/multiprocessing`.

mod attribute;
mod cell;
mod error;
mod flow;
mod lock;
mod memory;
mod number;
mod segment;
mod unused;
mod wait;
mod wrapper;

use pyo3::prelude::*;

/// Adds the classes of this folder to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<memory::Memory>()?;
    module.add_class::<segment::Segment>()?;
    module.add_function(wrap_pyfunction!(segment::begin_generation, module)?)?;
    module.add_class::<lock::RobustLock>()?;
    module.add_class::<lock::RLock>()?;
    module.add_class::<lock::Lock>()?;
    module.add_function(wrap_pyfunction!(lock::rlock_of, module)?)?;
    module.add_function(wrap_pyfunction!(lock::lock_of, module)?)?;
    module.add_class::<wrapper::SynchronizedBase>()?;
    module.add_function(wrap_pyfunction!(attribute::guard_attributes, module)?)?;
    module.add_class::<wrapper::GuardedElements>()
}
