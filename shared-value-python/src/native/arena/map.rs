//! `Arena`: the handle of an arena.

use std::os::fd::AsRawFd;
use std::time::Duration;

use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use shared_value::{
    Access, Capacity, Dyn, DynData, DynLayout, DynValue, Error, ReadOnly, Snapshot, interruptible_within,
};

use crate::native::arena::changes::ArenaChanges;
use crate::native::data::layout::Layout;
use crate::native::data::reader::Reader;
use crate::native::error::{OrRaise, Patience, is_temporary, patiently_detached};
use crate::native::handle::root::{Root, read_only};
use crate::native::handle::value::Value;
use crate::native::open::{Extent, First, opened};
use crate::native::socket::Socket;
use crate::native::source::Place;
use crate::wait::SLICE;

/// A map of values in one segment. The class `Arena` of the package is made from it.
#[pyclass(frozen, subclass, weakref, name = "ArenaBase", module = "shared_value")]
pub(crate) struct Arena(pub(super) Either);

/// An arena with either access.
pub(super) enum Either {
    ReadWrite(shared_value::Arena),
    ReadOnly(shared_value::Arena<ReadOnly>),
}

macro_rules! each {
    ($arena:expr, $found:ident => $result:expr) => {
        match &$arena.0 {
            Either::ReadWrite($found) => $result,
            Either::ReadOnly($found) => $result,
        }
    };
}

/// What an arena is made of. Only this module makes one.
#[pyclass(frozen, module = "shared_value")]
pub(crate) struct ArenaSeed(std::sync::Mutex<Option<Either>>);

fn instance(py: Python<'_>, arena: Either) -> PyResult<Py<PyAny>> {
    let class = py.import("shared_value._arena")?.getattr("Arena")?;
    Ok(class.call1((ArenaSeed(std::sync::Mutex::new(Some(arena))),))?.unbind())
}

/// Create an arena.
#[pyfunction]
#[pyo3(signature = (location, capacity, *, mode = 0o600, exist_ok = false, unlink_on_drop = false))]
pub(crate) fn create_arena(
    py: Python<'_>,
    location: Option<&Bound<'_, PyAny>>,
    capacity: usize,
    mode: u32,
    exist_ok: bool,
    unlink_on_drop: bool,
) -> PyResult<Py<PyAny>> {
    let place = location.map(Place::of).transpose()?;
    let options = shared_value::Arena::options().mode(mode).unlink_on_drop(unlink_on_drop);
    let arena = match (&place, exist_ok) {
        (None, true) => return Err(PyValueError::new_err("only an arena with a name or a path can exist before")),
        (None, false) => options.new(Capacity(capacity)),
        (Some(place), false) => options.create(place.location()?, Capacity(capacity)),
        (Some(place), true) => options.open_or_create(place.location()?, Capacity(capacity)),
    };
    instance(py, Either::ReadWrite(arena.or_raise(py)?))
}

/// Open an arena.
#[pyfunction]
#[pyo3(signature = (source, *, read_only = false, wait = None))]
pub(crate) fn open_arena(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    read_only: bool,
    wait: Option<f64>,
) -> PyResult<Py<PyAny>> {
    let place = Place::of(source)?;
    let options = shared_value::Arena::options();
    let arena = opened(py, &place, wait, |timeout| {
        if read_only {
            options.clone().read_only().wait(timeout).open(place.source()).map(Either::ReadOnly)
        } else {
            options.clone().wait(timeout).open(place.source()).map(Either::ReadWrite)
        }
    })?;
    instance(py, arena)
}

/// Does the work without the interpreter's lock, and again after each slice and each signal whose handler raises nothing. When
/// the work has ended, the interpreter runs the handlers itself.
pub(super) fn detached<T: Send>(py: Python<'_>, mut work: impl FnMut() -> Result<T, Error> + Send) -> PyResult<T> {
    loop {
        match py.detach(|| interruptible_within(SLICE, &mut work)) {
            Err(error) if is_temporary(&error) => py.check_signals()?,
            result => return result.or_raise(py),
        }
    }
}

impl Arena {
    pub(super) fn writable(&self) -> PyResult<&shared_value::Arena> {
        if let Either::ReadWrite(arena) = &self.0 { Ok(arena) } else { Err(read_only()) }
    }

    fn find(&self, py: Python<'_>, key: &str) -> PyResult<Option<Root>> {
        Ok(match &self.0 {
            Either::ReadWrite(arena) => arena.get::<Dyn>(key).or_raise(py)?.map(Root::ReadWrite),
            Either::ReadOnly(arena) => arena.get::<Dyn>(key).or_raise(py)?.map(Root::ReadOnly),
        })
    }
}

#[pymethods]
impl Arena {
    #[new]
    fn new(seed: &Bound<'_, ArenaSeed>) -> PyResult<Self> {
        let mut seed = seed.get().0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        seed.take().map(Self).ok_or_else(|| PyTypeError::new_err("arenas are made by open_arena() and create_arena()"))
    }

    #[pyo3(name = "_get")]
    fn get(&self, py: Python<'_>, key: &str) -> PyResult<Option<Py<PyAny>>> {
        self.find(py, key)?.map(|root| Ok(Value::whole(py, root)?.unbind())).transpose()
    }

    #[pyo3(name = "_insert", signature = (key, layout, value = None, *, length = None, capacity = None, data = None, replace = false))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn insert(
        &self,
        py: Python<'_>,
        key: &str,
        layout: &Layout,
        value: Option<&Bound<'_, PyAny>>,
        length: Option<usize>,
        capacity: Option<usize>,
        data: Option<&Bound<'_, PyAny>>,
        replace: bool,
    ) -> PyResult<Py<PyAny>> {
        let arena = self.writable()?;
        let layout: &DynLayout = &layout.0;
        let first = First::of(py, layout, value, Extent { length, capacity }, data)?;
        let value: DynValue = detached(py, || {
            let initial = first.initial(layout);
            if replace { arena.replace::<Dyn>(key, initial) } else { arena.insert::<Dyn>(key, initial) }
        })?;
        Ok(Value::whole(py, Root::ReadWrite(value))?.unbind())
    }

    #[pyo3(name = "_remove")]
    fn remove(&self, py: Python<'_>, key: &str) -> PyResult<bool> {
        let arena = self.writable()?;
        detached(py, || arena.remove(key))
    }

    /// Remove the value of a key, and return its handle; `None` if there is no such key.
    #[pyo3(name = "_take")]
    fn take(&self, py: Python<'_>, key: &str) -> PyResult<Option<Py<PyAny>>> {
        let arena = self.writable()?;
        while let Some(value) = arena.get::<Dyn>(key).or_raise(py)? {
            // Another process may have removed or replaced the value meanwhile. Then it is not ours.
            if let Some(id) = arena.id_of(&value)
                && detached(py, || arena.remove(id))?
            {
                return Ok(Some(Value::whole(py, Root::ReadWrite(value))?.unbind()));
            }
        }
        Ok(None)
    }

    #[pyo3(name = "_keys")]
    fn keys(&self, py: Python<'_>) -> Vec<String> {
        py.detach(|| each!(self, arena => keys_of(arena).collect()))
    }

    /// Return the values of some keys as they all were at one moment, as a dictionary. Without keys, of all that it finds: a key
    /// that is added, replaced or removed meanwhile may be left out.
    ///
    /// Of these values, no change of a `transaction` is seen in part. `KeyError` if a key is missing that was asked for.
    /// `TimeoutError` if values change all the time until the timeout, or if keys are replaced or removed all the time.
    #[pyo3(signature = (keys = None, timeout = None))]
    fn snapshot(&self, py: Python<'_>, keys: Option<Vec<String>>, timeout: Option<f64>) -> PyResult<Py<PyDict>> {
        let patience = Patience::of(timeout)?;
        let found = each!(self, arena => snapshot(py, arena, patience, keys))?;
        let values = PyDict::new(py);
        for (key, layout, data) in &found {
            values.set_item(key, Reader::of(py, layout)?.read(py, data)?)?;
        }
        Ok(values.unbind())
    }

    /// Return the changes from now on of all values whose keys fit a pattern: which key was added, changed or removed. In the
    /// pattern, `*` stands for any characters, also none, and `?` for one.
    ///
    ///     for change in arena.changes("jobs.*"):
    ///         print(change.kind, change.key)
    ///
    /// No change is lost. Several changes of a key between two calls count as one, which says what is different now: a value that
    /// was added and removed again is not reported, and one that was replaced is reported as added. Changes of atomic fields and
    /// of counters are not reported.
    #[pyo3(signature = (pattern = "*"))]
    fn changes(&self, py: Python<'_>, pattern: &str) -> PyResult<ArenaChanges> {
        ArenaChanges::of(py, self, pattern)
    }

    fn __len__(&self) -> usize {
        each!(self, arena => arena.len())
    }

    fn __contains__(&self, key: &Bound<'_, PyAny>) -> bool {
        key.extract::<&str>().is_ok_and(|key| each!(self, arena => arena.contains(key)))
    }

    /// How many bytes the arena can hold, with the overhead of its values.
    #[getter]
    fn capacity(&self) -> usize {
        each!(self, arena => arena.capacity())
    }

    /// How many bytes are taken.
    #[getter]
    fn used(&self) -> usize {
        each!(self, arena => arena.used())
    }

    /// The name or the path of the segment; `(anonymous)` if it has none.
    #[getter]
    fn segment_name(&self) -> &str {
        each!(self, arena => arena.segment_name())
    }

    /// Whether this handle can only read.
    #[getter]
    fn is_read_only(&self) -> bool {
        matches!(self.0, Either::ReadOnly(_))
    }

    /// Return a handle of the same arena that can only read.
    fn read_only(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let arena = match &self.0 {
            Either::ReadWrite(arena) => arena.read_only().or_raise(py)?,
            Either::ReadOnly(arena) => arena.clone(),
        };
        instance(py, Either::ReadOnly(arena))
    }

    /// Return a short text with which another process of this user can open the arena: `open_arena(Token(text))`.
    fn token(&self, py: Python<'_>) -> PyResult<String> {
        Ok(each!(self, arena => arena.token()).or_raise(py)?.to_string())
    }

    /// The descriptor of the segment. It stays the arena's.
    fn fileno(&self, py: Python<'_>) -> PyResult<i32> {
        Ok(each!(self, arena => arena.as_fd()).or_raise(py)?.as_raw_fd())
    }

    #[pyo3(name = "_entry")]
    fn entry(&self, py: Python<'_>) -> PyResult<String> {
        let descriptor = self.fileno(py)?;
        Ok(each!(self, arena => arena.inherited_entry(descriptor)))
    }

    /// Send the arena over a Unix socket. The other end opens it by `open_arena(socket)`. The socket's own timeout counts.
    fn send_to(&self, py: Python<'_>, socket: &Bound<'_, PyAny>) -> PyResult<()> {
        let socket = Socket::of(socket)?;
        socket.send(py, || each!(self, arena => arena.send_to(socket.stream())))
    }

    /// Unlink the name or the file. Processes that have the arena open keep it.
    fn unlink(&self, py: Python<'_>) -> PyResult<()> {
        each!(self, arena => arena.unlink()).or_raise(py)
    }
}

type Copied = Vec<(String, DynLayout, DynData)>;

fn snapshot<A: Access>(
    py: Python<'_>,
    arena: &shared_value::Arena<A>,
    patience: Patience,
    asked: Option<Vec<String>>,
) -> PyResult<Copied>
where
    shared_value::Arena<A>: Sync,
{
    patiently_detached(py, patience, move |timeout| copy(arena, timeout, asked.as_deref()))?
        .map_err(|key| missing(&key))
}

/// Copies the values of some keys, or of all, as they were at one moment. If a key is missing that was asked for, returns it.
fn copy<A: Access>(
    arena: &shared_value::Arena<A>,
    timeout: Duration,
    asked: Option<&[String]>,
) -> Result<Result<Copied, String>, Error> {
    let keys = asked.map_or_else(|| keys_of(arena).collect(), <[_]>::to_vec);
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        match arena.get::<Dyn>(&*key)? {
            Some(value) => found.push((key, value)),
            None if asked.is_some() => return Ok(Err(key)),
            None => {}
        }
    }
    let load = |snapshot: &Snapshot| found.iter().map(|(_, value)| snapshot.load(value)).collect::<Result<Vec<_>, _>>();
    let data = arena.snapshot_timeout(timeout, load)?;
    // A value that was found before the moment, and is not removed after it, was there at the moment.
    if !found.iter().all(|(_, value)| arena.id_of(value).is_some()) {
        let awaited = format!("a moment at which the keys of `{}` stay", arena.segment_name());
        return Err(Error::TimedOut { awaited });
    }
    Ok(Ok(found.into_iter().zip(data).map(|((key, value), data)| (key, value.layout().clone(), data)).collect()))
}

fn keys_of<A: Access>(arena: &shared_value::Arena<A>) -> impl Iterator<Item = String> {
    arena.iter().filter_map(|entry| entry.key().map(str::to_owned))
}

/// Returns the exception for a key that is missing.
pub(super) fn missing(key: &str) -> PyErr {
    PyKeyError::new_err(key.to_owned())
}
