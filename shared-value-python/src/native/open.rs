//! Opening and creating values.

use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use shared_value::{Capacity, Dyn, DynData, DynKind, DynLayout, DynValue, Error, Filled, Initial, Options, Writable};

use crate::native::data::convert::from_python;
use crate::native::data::fresh::bytes_of;
use crate::native::data::layout::{Layout, vector_element};
use crate::native::error::{OrRaise, Patience, is_temporary, patiently_if};
use crate::native::handle::root::Root;
use crate::native::handle::value::Value;
use crate::native::source::Place;

/// Open the value at a source, whatever its type is.
#[pyfunction]
#[pyo3(signature = (source, *, read_only = false, unlocked = false, wait = None))]
pub(crate) fn open_value(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    read_only: bool,
    unlocked: bool,
    wait: Option<f64>,
) -> PyResult<Py<PyAny>> {
    let place = Place::of(source)?;
    let options = DynValue::options();
    let open = |timeout: Duration| match (read_only, unlocked) {
        (true, _) => options.clone().read_only().wait(timeout).open(place.source()).map(Root::ReadOnly),
        (false, true) => options.clone().unlocked().wait(timeout).open(place.source()).map(Root::Unlocked),
        (false, false) => options.clone().wait(timeout).open(place.source()).map(Root::ReadWrite),
    };
    let root = opened(py, &place, wait, open)?;
    Ok(Value::whole(py, root)?.unbind())
}

/// Opens what is at a place, or will be there in `wait` seconds.
pub(crate) fn opened<T: Send>(
    py: Python<'_>,
    place: &Place,
    wait: Option<f64>,
    mut open: impl FnMut(Duration) -> Result<T, Error> + Send,
) -> PyResult<T> {
    if let Place::Socket(socket) = place {
        return socket.receive(py, wait, || open(Duration::ZERO));
    }
    // Without a wait there is one attempt; a limit of 0 means that too.
    patiently_if(py, Patience::of(Some(wait.unwrap_or(0.0)))?, may_appear, open)
}

/// Returns whether the value may be there later.
fn may_appear(error: &Error) -> bool {
    matches!(error, Error::NotFound { .. }) || is_temporary(error)
}

/// What a new value is created from.
pub(crate) enum First {
    Zeros,
    Data(DynData),
    Bytes(Vec<u8>),
    /// An element of an array, and the number of elements.
    Filled(DynData, usize),
    /// The elements of a vector, and its capacity.
    Vector(Option<DynData>, usize),
}

/// The numbers of elements of a new value: of an array that is as long as it is created, and of a vector.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) length: Option<usize>,
    pub(crate) capacity: Option<usize>,
}

impl First {
    pub(crate) fn of(
        py: Python<'_>,
        layout: &DynLayout,
        value: Option<&Bound<'_, PyAny>>,
        extent: Extent,
        bytes: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        if let Some(capacity) = extent.capacity {
            return Ok(Self::Vector(value.map(|value| from_python(layout, value)).transpose()?, capacity));
        }
        if vector_element(layout).is_some() {
            let message = format!("a {} needs a capacity: the greatest number of its elements", layout.type_text());
            return Err(PyValueError::new_err(message));
        }
        Ok(match (value, extent.length, bytes) {
            (_, _, Some(bytes)) => Self::Bytes(bytes_of(bytes)?.as_bytes().to_vec()),
            (value, Some(length), None) => {
                let DynKind::Slice { element } = layout.kind() else {
                    return Err(PyValueError::new_err("a length belongs to an array without a length of its own"));
                };
                let data = match value {
                    Some(value) => from_python(element, value)?,
                    None => element.decode(&vec![0; element.size()]).or_raise(py)?,
                };
                Self::Filled(data, length)
            }
            (Some(value), None, None) => Self::Data(from_python(layout, value)?),
            (None, None, None) => Self::Zeros,
        })
    }

    pub(crate) fn initial(&self, layout: &DynLayout) -> Initial<'_, Dyn> {
        let layout = layout.clone();
        match self {
            Self::Zeros => layout.into(),
            Self::Data(data) => (layout, data.clone()).into(),
            Self::Bytes(bytes) => (layout, bytes.as_slice()).into(),
            Self::Filled(data, length) => (layout, Filled(data.clone(), *length)).into(),
            Self::Vector(None, capacity) => (layout, Capacity(*capacity)).into(),
            Self::Vector(Some(data), capacity) => (layout, data.clone(), Capacity(*capacity)).into(),
        }
    }
}

/// Create a value of a layout: under a name, in a file, or without either.
#[pyfunction]
#[pyo3(signature = (
    location, layout, value = None, *, length = None, capacity = None, data = None, mode = 0o600, unlocked = false, exist_ok = false,
    unlink_on_drop = false, recursive = true, no_new_writers = false
))]
#[expect(clippy::too_many_arguments, clippy::fn_params_excessive_bools, reason = "they are keywords in Python")]
pub(crate) fn create_value(
    py: Python<'_>,
    location: Option<&Bound<'_, PyAny>>,
    layout: &Layout,
    value: Option<&Bound<'_, PyAny>>,
    length: Option<usize>,
    capacity: Option<usize>,
    data: Option<&Bound<'_, PyAny>>,
    mode: u32,
    unlocked: bool,
    exist_ok: bool,
    unlink_on_drop: bool,
    recursive: bool,
    no_new_writers: bool,
) -> PyResult<Py<PyAny>> {
    let Layout(layout) = layout;
    let first = First::of(py, layout, value, Extent { length, capacity }, data)?;
    let place = location.map(Place::of).transpose()?;
    let options = DynValue::options().mode(mode).unlink_on_drop(unlink_on_drop);
    let options = if no_new_writers { options.no_new_writers() } else { options };
    let root = if unlocked {
        Root::Unlocked(make(py, &options.unlocked(), place.as_ref(), layout, &first, exist_ok)?)
    } else {
        let options = if recursive { options } else { options.non_recursive() };
        Root::ReadWrite(make(py, &options, place.as_ref(), layout, &first, exist_ok)?)
    };
    Ok(Value::whole(py, root)?.unbind())
}

fn make<A: Writable>(
    py: Python<'_>,
    options: &Options<DynValue<A>>,
    place: Option<&Place>,
    layout: &DynLayout,
    first: &First,
    exist_ok: bool,
) -> PyResult<DynValue<A>> {
    let initial = first.initial(layout);
    let Some(place) = place else {
        if exist_ok {
            return Err(PyValueError::new_err("only a value with a name or a path can exist before"));
        }
        return options.new(initial).or_raise(py);
    };
    let location = place.location()?;
    if !exist_ok {
        return options.create(location, initial).or_raise(py);
    }
    let value = options.open_or_create(location, initial).or_raise(py)?;
    Ok(value)
}
