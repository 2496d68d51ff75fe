//! `Value`: the base class of all handles.

use std::sync::Arc;

use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyList, PyType, PyWeakrefMethods, PyWeakrefReference};
use shared_value::{DynKind, DynLayout, LockState};

use crate::native::data::classes;
use crate::native::data::convert::from_python;
use crate::native::data::fresh;
use crate::native::data::layout::{Layout, unwrapped, vector_element};
use crate::native::data::number::Number;
use crate::native::data::reader::{Known, Reader};
use crate::native::error::{OrRaise, Patience};
use crate::native::handle::holds;
use crate::native::handle::root::{Root, each};
use crate::native::socket::Socket;

/// A value in shared memory, or a part of one. Each layout has a class of its own, with an attribute for each field.
#[pyclass(frozen, subclass, weakref, module = "shared_value")]
pub(crate) struct Value {
    pub(crate) root: Arc<Root>,
    /// The path of the part; empty for the whole value.
    pub(crate) path: Arc<str>,
    /// Where the part starts in the value.
    pub(crate) offset: usize,
    pub(crate) layout: Arc<DynLayout>,
    /// Whether atomic fields of this struct have words of their own: it is the value itself.
    pub(crate) is_whole: bool,
    /// How its data becomes an object.
    pub(super) reader: Known,
    /// The block that `lock()` without a timeout returns.
    block: PyOnceLock<Py<Block>>,
}

/// What an instance is made of. Only this module makes one.
#[pyclass(frozen, module = "shared_value")]
pub(crate) struct Seed(std::sync::Mutex<Option<Value>>);

impl Value {
    /// Makes the handle of a whole value.
    pub(crate) fn whole(py: Python<'_>, root: Root) -> PyResult<Bound<'_, PyAny>> {
        let layout = Arc::new(root.layout().clone());
        let is_whole = matches!(layout.kind(), DynKind::Struct { .. });
        Self::new(Arc::new(root), "".into(), 0, layout, is_whole).into_object(py)
    }

    fn new(root: Arc<Root>, path: Arc<str>, offset: usize, layout: Arc<DynLayout>, is_whole: bool) -> Self {
        Self { root, path, offset, layout, is_whole, reader: Known::default(), block: PyOnceLock::new() }
    }

    fn into_object(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let class = classes::handle(py, &self.layout)?;
        self.into_instance(&class)
    }

    /// Makes an instance of this class.
    pub(crate) fn into_instance<'py>(self, class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
        class.call1((Seed(std::sync::Mutex::new(Some(self))),))
    }

    /// Returns the path of a part of this part.
    pub(crate) fn path_of(&self, path: &str) -> String {
        let separator = if self.path.is_empty() || path.is_empty() || path.starts_with('[') { "" } else { "." };
        format!("{}{separator}{path}", self.path)
    }

    /// Returns the part at a path of the value, which starts at this offset in this part.
    pub(crate) fn part(&self, path: Arc<str>, offset: usize, layout: Arc<DynLayout>) -> Self {
        Self::new(Arc::clone(&self.root), path, self.offset + offset, layout, false)
    }

    /// Returns the element layout and the number of elements.
    fn elements(&self) -> PyResult<(&DynLayout, usize)> {
        match unwrapped(&self.layout).kind() {
            DynKind::Array { element, length } => Ok((element, *length)),
            _ => Err(PyTypeError::new_err(format!("a {} has no elements", self.layout.type_text()))),
        }
    }

    fn index(&self, index: isize) -> PyResult<(&DynLayout, usize)> {
        let (element, length) = self.elements()?;
        let found = if index < 0 { length.checked_add_signed(index) } else { Some(index.unsigned_abs()) };
        let found = found.filter(|index| *index < length);
        found.map(|index| (element, index)).ok_or_else(|| PyIndexError::new_err("array index out of range"))
    }

    fn vector_element(&self) -> PyResult<&DynLayout> {
        let fixed = || PyTypeError::new_err(format!("the length of a {} is fixed", self.layout.type_text()));
        vector_element(&self.layout).ok_or_else(fixed)
    }

    /// Reads an element.
    fn read(&self, py: Python<'_>, path: &str, layout: &DynLayout) -> PyResult<Py<PyAny>> {
        let data = self.root.get(py, path, layout.size())?;
        Ok(Reader::of(py, layout)?.read(py, &data)?.unbind())
    }
}

#[pymethods]
impl Value {
    #[new]
    fn of_seed(seed: &Bound<'_, Seed>) -> PyResult<Self> {
        let mut seed = seed.get().0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        seed.take().ok_or_else(|| PyTypeError::new_err("handles are made by open() and create()"))
    }

    /// Return the present value: a number, a text, a list, a record. All of it belongs to one version.
    pub(crate) fn load(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let reader = self.reader.get(py, &self.layout)?;
        let data = self.root.get(py, &self.path, self.layout.size())?;
        Ok(reader.read(py, &data)?.unbind())
    }

    /// Replace the value, in one commit. Atomic fields and counters stay as they are, whatever the new value says of them.
    fn set(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.root.set(py, &self.path, &from_python(&self.layout, value)?)
    }

    /// Return a handle of the part at a path such as `corners[1].x`.
    #[pyo3(name = "part")]
    fn part_at(&self, py: Python<'_>, path: &str) -> PyResult<Py<PyAny>> {
        let found = self.layout.part(path).or_raise(py)?;
        if found.is_atomic() && self.is_whole {
            return Err(PyTypeError::new_err(format!("{path} is atomic: use the attribute")));
        }
        if found.is_counter() && self.is_whole {
            return Err(PyTypeError::new_err(format!("{path} is a counter: use the attribute")));
        }
        if vector_element(&self.layout).is_some() {
            return Err(PyTypeError::new_err(
                "the elements of a vector have no handles, because they may go: read and write copies",
            ));
        }
        let part = self.part(self.path_of(path).into(), found.offset(), Arc::new(found.layout().clone()));
        Ok(part.into_object(py)?.unbind())
    }

    /// Return the bytes of the value, in the order of the machine, as one version.
    fn read_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        PyBytes::new_with(py, self.layout.size(), |bytes| self.root.read_bytes(py, &self.path, bytes))
    }

    /// Replace the value by bytes, in one commit.
    fn write_bytes(&self, py: Python<'_>, source: &Bound<'_, PyAny>) -> PyResult<()> {
        self.root.write_bytes(py, &self.path, fresh::bytes_of(source)?.as_bytes())
    }

    /// The layout: what the bytes mean.
    #[getter]
    fn layout(&self) -> Layout {
        Layout((*self.layout).clone())
    }

    /// The path of this part in its value; empty for the whole value.
    #[getter]
    fn part_path(&self) -> &str {
        &self.path
    }

    /// The name or the path of the segment; `(anonymous)` if it has none.
    #[getter]
    fn segment_name(&self) -> &str {
        self.root.name()
    }

    /// The number of commits so far.
    #[getter]
    fn version(&self) -> u64 {
        self.root.version()
    }

    /// How often the lock was taken over from a thread that died while it held it.
    #[getter]
    fn recoveries(&self) -> u64 {
        each!(&*self.root, value => value.recoveries())
    }

    /// Whether this block has taken the lock over from a thread that died while it held it. What that thread was writing is lost.
    #[getter]
    fn recovered(&self) -> PyResult<bool> {
        self.root.lockable().map(holds::recovered)
    }

    /// The state of the lock: `"free"`, `"held here"`, `"held by thread 7"`, `"retired"` or `"unknown"`. It never waits.
    #[getter]
    fn lock_state(&self) -> String {
        match self.root.lock_state() {
            LockState::Free => "free".to_owned(),
            LockState::HeldHere => "held here".to_owned(),
            LockState::Held { thread_id } => format!("held by thread {thread_id}"),
            LockState::Retired => "retired".to_owned(),
            _ => "unknown".to_owned(),
        }
    }

    /// Whether this handle can only read.
    #[getter]
    fn is_read_only(&self) -> bool {
        matches!(&*self.root, Root::ReadOnly(_))
    }

    /// Return a block that holds the lock of the whole value: `with account.lock(): ..`.
    ///
    /// In the block this thread sees its own writes, and others see what was committed. The end of the block commits all of
    /// them in one store; an exception that leaves the block discards them. The block waits for the lock for as long as needed, or
    /// for a timeout in seconds, after which it raises `TimeoutError`; with a timeout of 0 it raises `BlockingIOError`. A thread may
    /// take the lock again. Do not keep it across an `await`: another task of this thread gets a `RuntimeError`.
    #[pyo3(signature = (timeout = None))]
    fn lock(this: &Bound<'_, Self>, timeout: Option<f64>) -> PyResult<Py<Block>> {
        Block::of(this, timeout)
    }

    /// Take the lock. Used by blocks.
    #[pyo3(name = "_enter", signature = (timeout = None))]
    fn enter(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        holds::enter(py, self.root.lockable()?, Patience::of(timeout)?)
    }

    /// Release the lock. Used by blocks.
    #[pyo3(name = "_leave")]
    fn leave(&self, py: Python<'_>, has_failed: bool) -> PyResult<()> {
        holds::leave(py, self.root.lockable()?, has_failed)
    }

    /// Publish what this thread has written under the lock, and keep the lock.
    fn commit(&self, py: Python<'_>) -> PyResult<()> {
        holds::commit(py, self.root.lockable()?)
    }

    /// Discard what this thread has written under the lock, and keep the lock.
    fn rollback(&self, py: Python<'_>) -> PyResult<()> {
        holds::rollback(py, self.root.lockable()?)
    }

    /// Add to a number; return the sum. It is one change under the lock: no addition of another process is lost.
    fn add(&self, py: Python<'_>, amount: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        match Number::of(&self.layout) {
            Some(number) => number.add(py, &self.root, self.offset, amount),
            None => Err(PyTypeError::new_err(format!("cannot add to a {}", self.layout.type_text()))),
        }
    }

    fn _length(&self) -> PyResult<usize> {
        self.elements().map(|(_, length)| length)
    }

    fn _element(&self, py: Python<'_>, index: isize) -> PyResult<Py<PyAny>> {
        let (element, index) = self.index(index)?;
        let offset = index * element.size();
        if let Some(number) = Number::of(element) {
            return number.get(py, &self.root, self.offset + offset);
        }
        let path = self.path_of(&format!("[{index}]"));
        if is_composite(element) {
            return Ok(self.part(path.into(), offset, Arc::new(element.clone())).into_object(py)?.unbind());
        }
        self.read(py, &path, element)
    }

    fn _set_element(&self, py: Python<'_>, index: isize, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let (element, index) = self.index(index)?;
        if let Some(number) = Number::of(element) {
            return number.set(py, &self.root, self.offset + index * element.size(), value);
        }
        self.root.set(py, &self.path_of(&format!("[{index}]")), &from_python(element, value)?)
    }

    /// Read elements into a new `bytearray`, which nothing else refers to while it is filled.
    fn _read_elements<'py>(&self, py: Python<'py>, first: usize, count: usize) -> PyResult<Bound<'py, PyByteArray>> {
        let size = self.range(first, count)?;
        fresh::bytearray(py, size, |bytes| self.root.read_elements_uninit(py, &self.path, first, bytes))
    }

    /// Read elements as a list.
    fn _list_elements(&self, py: Python<'_>, first: usize, count: usize) -> PyResult<Py<PyAny>> {
        let mut bytes = vec![0; self.range(first, count)?];
        self.root.read_elements(py, &self.path, first, &mut bytes)?;
        let (element, _) = self.elements()?;
        if let Some(number) = Number::of(element) {
            return number.list(py, &bytes);
        }
        let (reader, list) = (Reader::of(py, element)?, PyList::empty(py));
        for bytes in bytes.chunks_exact(element.size()) {
            list.append(reader.read(py, &element.decode(bytes).or_raise(py)?)?)?;
        }
        Ok(list.into_any().unbind())
    }

    /// Write elements from bytes, in one commit.
    fn _write_elements(&self, py: Python<'_>, first: usize, source: &Bound<'_, PyAny>) -> PyResult<()> {
        self.root.write_elements(py, &self.path, first, fresh::bytes_of(source)?.as_bytes())
    }

    /// Write elements from a sequence, in one commit.
    fn _store_elements(&self, py: Python<'_>, first: usize, elements: Vec<Bound<'_, PyAny>>) -> PyResult<()> {
        let (element, _) = self.elements()?;
        let mut bytes = Vec::with_capacity(self.range(first, elements.len())?);
        for object in elements {
            bytes.extend_from_slice(&element.encode(&from_python(element, &object)?).or_raise(py)?);
        }
        self.root.write_elements(py, &self.path, first, &bytes)
    }

    fn _vector_length(&self, py: Python<'_>) -> PyResult<usize> {
        self.root.length(py)
    }

    fn _vector_capacity(&self, py: Python<'_>) -> PyResult<usize> {
        self.root.capacity(py)
    }

    fn _vector_element(&self, py: Python<'_>, index: usize) -> PyResult<Py<PyAny>> {
        self.read(py, &format!("[{index}]"), self.vector_element()?)
    }

    fn _set_vector_element(&self, py: Python<'_>, index: usize, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.root.set(py, &format!("[{index}]"), &from_python(self.vector_element()?, value)?)
    }

    /// Add an element at the end, in one commit.
    fn _push(&self, py: Python<'_>, element: &Bound<'_, PyAny>) -> PyResult<()> {
        self.root.push(py, &from_python(self.vector_element()?, element)?)
    }

    /// Add elements, text or bytes at the end, in one commit.
    fn _extend(&self, py: Python<'_>, elements: &Bound<'_, PyAny>) -> PyResult<()> {
        self.root.extend(py, &from_python(&self.layout, elements)?)
    }

    /// Keep the first elements, in one commit.
    fn _truncate(&self, py: Python<'_>, length: usize) -> PyResult<()> {
        self.root.truncate(py, length)
    }

    /// Return a short text with which another process of this user can open the value: `open(Token(text))`.
    fn token(&self, py: Python<'_>) -> PyResult<String> {
        self.expect_whole()?;
        Ok(each!(&*self.root, value => value.token()).or_raise(py)?.to_string())
    }

    /// The descriptor of the value's segment. It stays the handle's.
    fn fileno(&self, py: Python<'_>) -> PyResult<i32> {
        use std::os::fd::AsRawFd;
        Ok(each!(&*self.root, value => value.as_fd()).or_raise(py)?.as_raw_fd())
    }

    #[pyo3(name = "_entry")]
    fn entry(&self, py: Python<'_>) -> PyResult<String> {
        self.expect_whole()?;
        let descriptor = self.fileno(py)?;
        Ok(each!(&*self.root, value => value.inherited_entry(descriptor)))
    }

    /// Send the value over a Unix socket. The other end opens it by `open(socket)`. The socket's own timeout counts.
    fn send_to(&self, py: Python<'_>, socket: &Bound<'_, PyAny>) -> PyResult<()> {
        self.expect_whole()?;
        let socket = Socket::of(socket)?;
        socket.send(py, || each!(&*self.root, value => value.send_to(socket.stream())))
    }

    /// Unlink the name or the file. Processes that have the value open keep it.
    fn unlink(&self, py: Python<'_>) -> PyResult<()> {
        each!(&*self.root, value => value.unlink()).or_raise(py)
    }

    /// Return a handle of the same value that can only read, by memory that is mapped for reading only.
    fn read_only(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.expect_whole()?;
        let root = match &*self.root {
            Root::ReadWrite(value) => Root::ReadOnly(value.read_only().or_raise(py)?),
            Root::ReadOnly(value) => Root::ReadOnly(value.clone()),
            Root::Unlocked(_) => return Err(PyTypeError::new_err("a value without a lock has no read-only handles")),
        };
        let handle = Self::whole(py, root)?;
        if let Ok(handle) = handle.cast::<Self>() {
            self.reader.copy_to(py, &handle.get().reader);
        }
        Ok(handle.unbind())
    }

    /// Let this handle read instances of a class for its layout. Used when the program names the class.
    fn _read_as(&self, class: &Bound<'_, PyType>) {
        self.reader.choose(class);
    }

    /// Whether this handle is one of a value that was created without a lock.
    fn _is_unlocked(&self) -> bool {
        matches!(&*self.root, Root::Unlocked(_))
    }

    /// Whether two handles of values of one arena refer to the same part of the same value in this process.
    fn _is_same(&self, other: &Bound<'_, Self>) -> bool {
        let other = other.get();
        // Each value of an arena has a lock of its own.
        let is_of_one_lock = match (&*self.root, &*other.root) {
            (Root::ReadWrite(one), Root::ReadWrite(other)) => one.lock_id() == other.lock_id(),
            _ => false,
        };
        self.path == other.path && (Arc::ptr_eq(&self.root, &other.root) || is_of_one_lock)
    }
}

/// A block that holds a lock. Returned by `lock()`.
///
/// A handle has its block, so the block refers to it weakly: both are gone with the last reference to the handle.
#[pyclass(frozen, module = "shared_value")]
pub(crate) struct Block {
    handle: Py<PyWeakrefReference>,
    root: Arc<Root>,
    path: Arc<str>,
    offset: usize,
    layout: Arc<DynLayout>,
    is_whole: bool,
    reader: Known,
    timeout: Option<f64>,
}

#[pymethods]
impl Block {
    /// Take the lock; return the handle of the value.
    fn __enter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.enter(py)
    }

    /// Commit and release the lock; discard the changes if an exception has left the block.
    #[pyo3(signature = (kind, value, traceback, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        kind: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let _ = (value, traceback);
        self.leave(py, !kind.is_none())
    }
}

impl Block {
    /// Returns the block of a handle: without a timeout always the same one.
    #[inline]
    pub(super) fn of(handle: &Bound<'_, Value>, timeout: Option<f64>) -> PyResult<Py<Self>> {
        let py = handle.py();
        match timeout {
            None => Ok(handle.get().block.get_or_try_init(py, || Self::new(handle, None))?.clone_ref(py)),
            Some(_) => Self::new(handle, timeout),
        }
    }

    #[cold]
    fn new(handle: &Bound<'_, Value>, timeout: Option<f64>) -> PyResult<Py<Self>> {
        let py = handle.py();
        let Value { root, path, offset, layout, is_whole, .. } = handle.get();
        let reader = Known::default();
        handle.get().reader.copy_to(py, &reader);
        let block = Self {
            handle: PyWeakrefReference::new(handle)?.unbind(),
            root: Arc::clone(root),
            path: Arc::clone(path),
            offset: *offset,
            layout: Arc::clone(layout),
            is_whole: *is_whole,
            reader,
            timeout,
        };
        Py::new(py, block)
    }

    #[inline]
    pub(super) fn enter<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let handle = match self.handle.bind(py).upgrade() {
            Some(handle) => handle,
            None => self.another_handle(py)?,
        };
        holds::enter(py, self.root.lockable()?, Patience::of(self.timeout)?)?;
        Ok(handle)
    }

    /// Returns a handle in place of the one that is gone, as in `with open(name).lock() as account`.
    #[cold]
    fn another_handle<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let Self { root, path, layout, .. } = self;
        let handle = Value::new(Arc::clone(root), Arc::clone(path), self.offset, Arc::clone(layout), self.is_whole);
        self.reader.copy_to(py, &handle.reader);
        handle.into_object(py)
    }

    #[inline]
    pub(super) fn leave(&self, py: Python<'_>, has_failed: bool) -> PyResult<()> {
        holds::leave(py, self.root.lockable()?, has_failed)
    }
}

impl Value {
    pub(crate) fn expect_whole(&self) -> PyResult<()> {
        if self.path.is_empty() {
            return Ok(());
        }
        Err(PyTypeError::new_err(format!("{} is a part of a value: use the handle of the whole value", self.path)))
    }

    /// Returns the number of bytes of some elements.
    fn range(&self, first: usize, count: usize) -> PyResult<usize> {
        let (element, length) = self.elements()?;
        if first.checked_add(count).is_none_or(|end| end > length) {
            return Err(PyIndexError::new_err("array index out of range"));
        }
        Ok(count * element.size())
    }
}

/// Returns whether a part of this layout has a handle of its own, instead of being read as a whole.
pub(crate) fn is_composite(layout: &DynLayout) -> bool {
    matches!(unwrapped(layout).kind(), DynKind::Struct { .. } | DynKind::Array { .. })
}
