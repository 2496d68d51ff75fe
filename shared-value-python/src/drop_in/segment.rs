//! `Segment`: what a child is given of a value, and the arena in which a process makes its values.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use shared_value::{Arena, Capacity, Error, Live, Source};

use super::error::exception;
use super::unused;
use crate::native::descriptor::duplicate;

/// The capacity of an arena, in bytes. It is address space: where that is limited, the next smaller one is tried.
const CAPACITIES: [usize; 4] = [1 << 40, 1 << 36, 1 << 32, 1 << 28];

/// A segment of shared memory, which has a descriptor.
#[pyclass(frozen, module = "shared_value._core")]
pub(super) struct Segment(Contents);

/// What lies in a segment.
pub(super) enum Contents {
    /// Many values.
    Arena(Arena),
    /// One large value.
    Value(Live<[u8]>),
}

impl Segment {
    pub(super) fn of(value: Live<[u8]>) -> Self {
        Self(Contents::Value(value))
    }

    pub(super) fn contents(&self) -> &Contents {
        &self.0
    }
}

#[pymethods]
impl Segment {
    /// Opens the segment of a descriptor, which stays open.
    #[staticmethod]
    fn open(descriptor: i32, is_arena: bool) -> PyResult<Self> {
        let descriptor = duplicate(descriptor)?;
        let source = Source::descriptor(&descriptor);
        let contents =
            if is_arena { Arena::open(source).map(Contents::Arena) } else { Live::open(source).map(Contents::Value) };
        contents.map(Self).map_err(|error| exception(&error))
    }

    /// Returns the number of the descriptor, which belongs to this object.
    fn fileno(&self) -> PyResult<i32> {
        let descriptor: Result<BorrowedFd<'_>, Error> = match &self.0 {
            Contents::Arena(arena) => arena.as_fd(),
            Contents::Value(value) => value.as_fd(),
        };
        descriptor.map(|descriptor| descriptor.as_raw_fd()).map_err(|error| exception(&error))
    }

    /// Whether it is an arena.
    #[getter]
    fn is_arena(&self) -> bool {
        matches!(self.0, Contents::Arena(_))
    }
}

/// Counts forks, in the child, and the end of the program: values of an earlier generation are not this process's to remove.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// The arena of this process, with its generation. It is locked only for as long as it is looked at or replaced, by threads that
/// hold the interpreter's lock: so no fork comes between, and no code of the program runs meanwhile.
static CURRENT: Mutex<Option<(u32, Py<Segment>)>> = Mutex::new(None);

/// Returns the number of the present generation.
pub(super) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Returns whether a generation is the present one.
pub(super) fn is_current(other: u32) -> bool {
    other == generation()
}

/// Begins a generation: called in a forked child, and when the interpreter ends.
#[pyfunction]
pub(super) fn begin_generation() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    unused::clear();
}

/// Returns the arena in which this process makes its values. A forked child has one of its own: the values that a killed child
/// leaves in it are gone with it.
pub(super) fn of_this_process(py: Python<'_>) -> Result<Py<Segment>, Error> {
    let current = || CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, segment)) = current().as_ref().filter(|(made, _)| is_current(*made)) {
        return Ok(segment.clone_ref(py));
    }
    let arena = Segment(Contents::Arena(new_arena()?));
    let segment = Py::new(py, arena).map_err(|_| Error::Unsupported { what: "an object of Python" })?;
    let former = current().replace((generation(), segment.clone_ref(py)));
    drop(former);
    Ok(segment)
}

fn new_arena() -> Result<Arena, Error> {
    let [first, rest @ ..] = CAPACITIES;
    rest.into_iter()
        .fold(Arena::new(Capacity(first)), |made, capacity| made.or_else(|_| Arena::new(Capacity(capacity))))
}
