//! The names in `/dev/shm`.

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;

/// Return the names of all values in `/dev/shm` that this process may see, sorted.
#[pyfunction]
pub(super) fn names() -> PyResult<Vec<String>> {
    let named = shared_value::names().map_err(|error| PyOSError::new_err(error.to_string()))?;
    Ok(named.into_iter().map(|value| value.name().to_owned()).collect())
}
