//! `SynchronizedBase`: a ctypes object and its lock; `GuardedElements`, which reads and writes under the lock.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PySlice;
use pyo3::{PyTraverseError, PyVisit, intern};

use super::lock::RobustLock;
use super::number::Direct;
use super::wait::Limit;

/// A ctypes object and its lock.
#[pyclass(subclass, frozen, weakref, module = "shared_value._core")]
pub(super) struct SynchronizedBase {
    obj: Py<PyAny>,
    lock: Guard,
    /// How to read the object as a number, if it can be read in this way. Filled in by the first read.
    direct: PyOnceLock<Option<Direct>>,
}

/// The lock of a wrapper.
enum Guard {
    /// One of this package.
    Robust(Py<RobustLock>),
    /// Any object with `acquire` and `release`.
    Foreign(Py<PyAny>),
}

impl SynchronizedBase {
    fn lock(&self, py: Python<'_>) -> Py<PyAny> {
        match &self.lock {
            Guard::Robust(lock) => lock.clone_ref(py).into_any(),
            Guard::Foreign(lock) => lock.clone_ref(py),
        }
    }

    /// Reads the object's `value` while this thread holds the lock.
    pub(super) fn read_value(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let direct = match self.direct.get(py) {
            Some(direct) => direct.as_ref(),
            None => self.find_number()?,
        };
        match direct {
            Some(direct) if direct.is_of(self.obj.bind(py)) => self.guarded(py, |_| Ok(direct.read(py))),
            _ => self.guarded(py, |obj| Ok(obj.getattr(intern!(py, "value"))?.unbind())),
        }
    }

    #[cold]
    fn find_number(&self) -> PyResult<Option<&Direct>> {
        // Objects are dropped here, so the library that counts references has to know that the thread is attached.
        Python::attach(|py| Ok(self.direct.get_or_try_init(py, || Direct::of(self.obj.bind(py)))?.as_ref()))
    }

    /// Works with the object while this thread holds the lock.
    pub(super) fn guarded<'py, R>(
        &self,
        py: Python<'py>,
        work: impl FnOnce(&Bound<'py, PyAny>) -> PyResult<R>,
    ) -> PyResult<R> {
        let obj = self.obj.bind(py);
        match &self.lock {
            Guard::Robust(lock) => lock.get().briefly(py, || work(obj)),
            // Objects are dropped here, so the library that counts references has to know that the thread is attached.
            Guard::Foreign(lock) => Python::attach(|py| {
                lock.call_method0(py, intern!(py, "acquire"))?;
                let result = work(obj);
                let released = lock.call_method0(py, intern!(py, "release"));
                let result = result?;
                released?;
                Ok(result)
            }),
        }
    }
}

#[pymethods]
impl SynchronizedBase {
    #[new]
    fn new(obj: Py<PyAny>, lock: Bound<'_, PyAny>) -> Self {
        let lock = match lock.cast_into::<RobustLock>() {
            Ok(lock) => Guard::Robust(lock.unbind()),
            Err(error) => Guard::Foreign(error.into_inner().unbind()),
        };
        Self { obj, lock, direct: PyOnceLock::new() }
    }

    /// Returns the ctypes object. Reading and writing it takes no lock.
    fn get_obj(&self, py: Python<'_>) -> Py<PyAny> {
        self.obj.clone_ref(py)
    }

    /// Returns the lock.
    fn get_lock(&self, py: Python<'_>) -> Py<PyAny> {
        self.lock(py)
    }

    /// The lock's method.
    #[getter]
    fn acquire<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.lock(py).into_bound(py).getattr(intern!(py, "acquire"))
    }

    /// The lock's method.
    #[getter]
    fn release<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.lock(py).into_bound(py).getattr(intern!(py, "release"))
    }

    fn __enter__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match &self.lock {
            Guard::Robust(lock) => {
                Ok(lock.get().take(py, Limit::Never)?.into_pyobject(py)?.to_owned().into_any().unbind())
            }
            Guard::Foreign(lock) => lock.call_method0(py, intern!(py, "__enter__")),
        }
    }

    fn __exit__(
        &self,
        kind: &Bound<'_, PyAny>,
        error: &Bound<'_, PyAny>,
        trace: &Bound<'_, PyAny>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let py = kind.py();
        match &self.lock {
            Guard::Robust(lock) => lock.get().give_back().map(|()| None),
            Guard::Foreign(lock) => lock.call_method1(py, intern!(py, "__exit__"), (kind, error, trace)).map(Some),
        }
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        Ok(format!("<{} wrapper for {}>", slf.get_type().name()?, slf.get().obj.bind(slf.py()).str()?))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("shared_value.multiprocessing._wrappers")?.call_method1("reduce", (slf,))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.obj)?;
        match &self.lock {
            Guard::Robust(lock) => visit.call(lock),
            Guard::Foreign(lock) => visit.call(lock),
        }
    }
}

/// A ctypes array and its lock.
#[pyclass(extends = SynchronizedBase, subclass, frozen, module = "shared_value._core")]
pub(super) struct GuardedElements;

#[pymethods]
impl GuardedElements {
    #[new]
    fn new(obj: Py<PyAny>, lock: Bound<'_, PyAny>) -> PyClassInitializer<Self> {
        PyClassInitializer::from(SynchronizedBase::new(obj, lock)).add_subclass(Self)
    }

    fn __len__(slf: &Bound<'_, Self>) -> PyResult<usize> {
        slf.as_super().get().obj.bind(slf.py()).len()
    }

    fn __getitem__<'py>(slf: &Bound<'py, Self>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        slf.as_super().get().guarded(slf.py(), |obj| obj.get_item(index))
    }

    fn __setitem__(slf: &Bound<'_, Self>, index: &Bound<'_, PyAny>, value: Bound<'_, PyAny>) -> PyResult<()> {
        let wrapper = slf.as_super().get();
        let value = match index.cast::<PySlice>() {
            Ok(slice) => converted(wrapper.obj.bind(slf.py()), slice, &value)?,
            Err(_) => value,
        };
        wrapper.guarded(slf.py(), |obj| obj.set_item(index, value))
    }
}

/// Returns new elements for a slice of an array. If one cannot be converted, that is an error before any is written.
fn converted<'py>(
    array: &Bound<'py, PyAny>,
    slice: &Bound<'py, PySlice>,
    elements: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = array.py();
    let length = slice.indices(array.len()?.try_into()?)?.slicelength;
    let copy = array.getattr(intern!(py, "_type_"))?.mul(length)?.call0()?;
    let all = PySlice::full(py);
    copy.set_item(&all, elements)?;
    copy.get_item(&all)
}
