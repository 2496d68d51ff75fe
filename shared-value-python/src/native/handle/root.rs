//! `Root`: the handle of a value, whatever access it has.

use std::mem::MaybeUninit;
use std::time::Duration;

use pyo3::exceptions::{PyPermissionError, PyRuntimeError};
use pyo3::prelude::*;
use shared_value::{DynData, DynLayout, DynValue, Error, LockState, ReadOnly, SharedValue, Unlocked};

use crate::native::error::{OrRaise, Patience, patiently, patiently_detached};
use crate::native::handle::holds;

/// The handle of a whole value, which its parts share.
pub(crate) enum Root {
    ReadWrite(DynValue),
    ReadOnly(DynValue<ReadOnly>),
    Unlocked(DynValue<Unlocked>),
}

/// Evaluates an expression for the handle of any kind.
macro_rules! each {
    ($root:expr, $value:ident => $result:expr) => {
        match $root {
            $crate::native::handle::root::Root::ReadWrite($value) => $result,
            $crate::native::handle::root::Root::ReadOnly($value) => $result,
            $crate::native::handle::root::Root::Unlocked($value) => $result,
        }
    };
}
pub(crate) use each;

/// Where a counter lies: its number, and the offset of its baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) number: usize,
    pub(crate) offset: usize,
}

/// Values of this size and more are copied without the interpreter's lock.
const LARGE: usize = 1 << 16;

impl Root {
    pub(crate) fn layout(&self) -> &DynLayout {
        each!(self, value => value.layout())
    }

    pub(crate) fn name(&self) -> &str {
        each!(self, value => value.segment_name())
    }

    pub(crate) fn version(&self) -> u64 {
        each!(self, value => value.version())
    }

    pub(crate) fn lock_state(&self) -> LockState {
        each!(self, value => value.lock_state())
    }

    /// Returns the handle with a lock.
    pub(crate) fn lockable(&self) -> PyResult<&DynValue> {
        match self {
            Self::ReadWrite(value) => Ok(value),
            Self::ReadOnly(_) => Err(read_only()),
            Self::Unlocked(_) => Err(PyRuntimeError::new_err("this value has no lock: it was created without one")),
        }
    }

    #[inline]
    fn check_read(&self, py: Python<'_>) -> PyResult<()> {
        if let Self::ReadWrite(value) = self { holds::check_read(py, value) } else { Ok(()) }
    }

    /// Reads a number at an offset.
    #[inline]
    pub(crate) fn load_at<F: SharedValue>(&self, py: Python<'_>, offset: usize) -> PyResult<F> {
        self.check_read(py)?;
        each!(self, value => value.part_at::<F>(offset).and_then(|part| part.load())).or_raise(py)
    }

    /// Writes a number at an offset.
    #[inline]
    pub(crate) fn store_at<F: SharedValue + Send + Sync>(
        &self,
        py: Python<'_>,
        offset: usize,
        number: F,
    ) -> PyResult<()> {
        self.write(
            py,
            |value, timeout| value.within(timeout).part_at::<F>(offset)?.set(number),
            |value| value.part_at::<F>(offset)?.set(number),
        )
    }

    /// Lets the closure change a number at an offset. If it fails, nothing changes.
    #[inline]
    pub(crate) fn change_at<F: SharedValue + Send + Sync>(
        &self,
        py: Python<'_>,
        offset: usize,
        change: impl Fn(F) -> Option<F> + Send + Sync,
    ) -> PyResult<Option<F>> {
        let apply = |number: &mut F| {
            let changed = change(*number);
            *number = changed.unwrap_or(*number);
            changed
        };
        self.write(
            py,
            |value, timeout| value.within(timeout).part_at::<F>(offset)?.update(apply),
            |value| value.part_at::<F>(offset)?.update(apply),
        )
    }

    /// Reads the part at a path.
    pub(crate) fn get(&self, py: Python<'_>, path: &str, size: usize) -> PyResult<DynData> {
        self.read(py, size, || each!(self, value => value.get(path)))
    }

    /// Replaces the part at a path.
    pub(crate) fn set(&self, py: Python<'_>, path: &str, data: &DynData) -> PyResult<()> {
        self.write(
            py,
            |value, timeout| value.within(timeout).set(path, data.clone()),
            |value| value.set(path, data.clone()),
        )
    }

    /// Returns the number of elements of a vector.
    pub(crate) fn length(&self, py: Python<'_>) -> PyResult<usize> {
        self.read(py, 0, || each!(self, value => value.length()))
    }

    /// Returns the greatest number of elements of a vector.
    pub(crate) fn capacity(&self, py: Python<'_>) -> PyResult<usize> {
        each!(self, value => value.capacity()).or_raise(py)
    }

    /// Adds an element at the end of a vector.
    pub(crate) fn push(&self, py: Python<'_>, element: &DynData) -> PyResult<()> {
        self.write(
            py,
            |value, timeout| value.within(timeout).push(element.clone()),
            |value| value.push(element.clone()),
        )
    }

    /// Adds elements at the end of a vector.
    pub(crate) fn extend(&self, py: Python<'_>, elements: &DynData) -> PyResult<()> {
        self.write(
            py,
            |value, timeout| value.within(timeout).extend(elements.clone()),
            |value| value.extend(elements.clone()),
        )
    }

    /// Removes the elements of a vector behind the first ones.
    pub(crate) fn truncate(&self, py: Python<'_>, length: usize) -> PyResult<()> {
        self.write(py, |value, timeout| value.within(timeout).truncate(length), |value| value.truncate(length))
    }

    /// Adds to a counter. It takes no lock.
    #[inline]
    pub(crate) fn count(&self, py: Python<'_>, counter: Place, amount: u64) -> PyResult<()> {
        match self {
            Self::ReadWrite(value) => value.counter_at(counter.number, counter.offset).map(|found| found.add(amount)),
            Self::Unlocked(value) => value.counter_at(counter.number, counter.offset).map(|found| found.add(amount)),
            Self::ReadOnly(_) => return Err(read_only()),
        }
        .or_raise(py)
    }

    /// Returns the total of a counter.
    pub(crate) fn total(&self, py: Python<'_>, counter: Place) -> PyResult<u64> {
        let Place { number, offset } = counter;
        self.read(py, 0, || each!(self, value => value.counter_at(number, offset).map(|found| found.get())))
    }

    /// Makes the total of a counter zero, and returns what it was.
    pub(crate) fn reset(&self, py: Python<'_>, counter: Place) -> PyResult<u64> {
        let Place { number, offset } = counter;
        self.write(
            py,
            |value, timeout| value.within(timeout).counter_at(number, offset)?.reset(),
            |value| value.counter_at(number, offset)?.reset(),
        )
    }

    /// Reads elements of an array into the buffer.
    pub(crate) fn read_elements(&self, py: Python<'_>, path: &str, first: usize, to: &mut [u8]) -> PyResult<()> {
        self.read(py, to.len(), || each!(self, value => value.read_elements(path, first, to)))
    }

    /// Reads elements of an array into a buffer that need not be initialized.
    pub(crate) fn read_elements_uninit<'b>(
        &self,
        py: Python<'_>,
        path: &str,
        first: usize,
        to: &'b mut [MaybeUninit<u8>],
    ) -> PyResult<&'b mut [u8]> {
        self.read(py, to.len(), || each!(self, value => value.read_elements_uninit(path, first, to)))
    }

    /// Writes elements of an array.
    pub(crate) fn write_elements(&self, py: Python<'_>, path: &str, first: usize, from: &[u8]) -> PyResult<()> {
        self.write_sized(
            py,
            from.len(),
            |value, timeout| value.within(timeout).write_elements(path, first, from),
            |value| value.write_elements(path, first, from),
        )
    }

    /// Reads the bytes of a part into the buffer.
    pub(crate) fn read_bytes(&self, py: Python<'_>, path: &str, to: &mut [u8]) -> PyResult<()> {
        self.read(py, to.len(), || each!(self, value => value.read_bytes(path, to)))
    }

    /// Replaces the bytes of a part.
    pub(crate) fn write_bytes(&self, py: Python<'_>, path: &str, from: &[u8]) -> PyResult<()> {
        self.write_sized(
            py,
            from.len(),
            |value, timeout| value.within(timeout).write_bytes(path, from),
            |value| value.write_bytes(path, from),
        )
    }

    /// Reads, without the interpreter's lock if there is much to copy.
    fn read<R: Send>(
        &self,
        py: Python<'_>,
        size: usize,
        read: impl FnOnce() -> Result<R, Error> + Send,
    ) -> PyResult<R> {
        self.check_read(py)?;
        if size < LARGE { read() } else { py.detach(read) }.or_raise(py)
    }

    /// Writes under the lock, if there is one: without the interpreter's lock if there is much to copy.
    fn write_sized<R: Send>(
        &self,
        py: Python<'_>,
        size: usize,
        locked: impl Fn(&DynValue, Duration) -> Result<R, Error> + Send + Sync,
        unlocked: impl FnOnce(&DynValue<Unlocked>) -> Result<R, Error> + Send,
    ) -> PyResult<R> {
        match self {
            _ if size < LARGE => self.write(py, locked, unlocked),
            Self::ReadWrite(value) => {
                holds::check(py, value)?;
                patiently_detached(py, Patience::UNLIMITED, |timeout| locked(value, timeout))
            }
            Self::ReadOnly(_) => Err(read_only()),
            Self::Unlocked(value) => py.detach(|| unlocked(value)).or_raise(py),
        }
    }

    /// Writes under the lock, if there is one.
    #[inline]
    fn write<R: Send>(
        &self,
        py: Python<'_>,
        locked: impl Fn(&DynValue, Duration) -> Result<R, Error> + Send + Sync,
        unlocked: impl FnOnce(&DynValue<Unlocked>) -> Result<R, Error>,
    ) -> PyResult<R> {
        match self {
            Self::ReadWrite(value) => {
                holds::check(py, value)?;
                patiently(py, Patience::UNLIMITED, |timeout| locked(value, timeout))
            }
            Self::ReadOnly(_) => Err(read_only()),
            Self::Unlocked(value) => unlocked(value).or_raise(py),
        }
    }
}

pub(crate) fn read_only() -> PyErr {
    PyPermissionError::new_err((13, "this handle can only read: open the value without read_only to change it"))
}
