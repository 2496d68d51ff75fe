//! The names in `/dev/shm`.

use pyo3::prelude::*;

use crate::native::error::OrRaise;
use crate::native::source::Place;

/// Return the names of all values in `/dev/shm` that this process may see, sorted.
#[pyfunction]
pub(crate) fn names(py: Python<'_>) -> PyResult<Vec<String>> {
    let named = py.detach(shared_value::names).or_raise(py)?;
    Ok(named.into_iter().map(|value| value.name().to_owned()).collect())
}

/// Remove a name or a file. Processes that have the value open keep it.
#[pyfunction]
pub(crate) fn unlink(py: Python<'_>, location: &Bound<'_, PyAny>) -> PyResult<()> {
    shared_value::unlink(Place::of(location)?.location()?).or_raise(py)
}
