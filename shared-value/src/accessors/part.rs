//! `Part`: a handle of a part of a value.
#![expect(private_bounds, reason = "the sealed trait can be neither named nor called from outside")]

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use crate::accessors::host::sealed::{ReadAt, Start, WriteAt};
use crate::accessors::host::{self, Host, Reader, Writer};
use crate::copy::Unchecked;
use crate::error::Error;
use crate::hold::Hold;
use crate::hold::read::CopyPieces;
use crate::layout::SharedValue;
use crate::protocol::atomics::AtomicU64;

/// A handle of a part of a value: a field, an element, a field of an element. It has the functions that a value of its type
/// would have.
///
/// ```
/// use shared_value::SharedValue;
///
/// #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
/// #[repr(C)]
/// struct Pose { x: f64, y: f64 }
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Robot { pose: Pose, path: [Pose; 100] }
///
/// let at = Pose { x: 0.0, y: 0.0 };
/// let robot = SynchronizedRobot::new(Robot { pose: at, path: [at; 100] })?;
/// robot.in_pose().set_x(1.0)?;
/// let last = robot.in_path().element(99);
/// last.set(robot.pose())?;
/// last.update_y(|y| *y += 2.0)?;
/// assert_eq!(robot.in_path().at(99), Pose { x: 1.0, y: 2.0 });
/// # Ok::<(), shared_value::Error>(())
/// ```
pub struct Part<'a, R, T: ?Sized> {
    pub(crate) root: &'a R,
    start: usize,
    value: PhantomData<fn() -> T>,
}

impl<'a, R, T: ?Sized> Part<'a, R, T> {
    #[inline(always)]
    pub(crate) fn of(root: &'a R, start: usize) -> Self {
        Self { root, start, value: PhantomData }
    }
}

impl<R: Reader, T: SharedValue> Part<'_, R, T> {
    /// Returns the part: with this thread's own writes if it holds the lock, otherwise the committed part. Takes no lock.
    ///
    /// # Panics
    /// If another process wrote bytes that are not a `T`.
    #[inline]
    #[track_caller]
    pub fn get(&self) -> T {
        host::get(self, self.start)
    }

    /// Returns the part as [`get`](Self::get) does, for processes that do not trust each other.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote bytes that are not a `T`.
    #[inline]
    pub fn load(&self) -> Result<T, Error> {
        self.copy_at(self.start).check_in::<R::Contents>(self.start)
    }
}

impl<R: Writer, T: SharedValue> Part<'_, R, T> {
    /// Replaces the part. If this thread holds no guard, the change is committed at once.
    ///
    /// # Errors
    /// The errors of [`Synchronized::update`](crate::Synchronized::update).
    #[inline]
    pub fn set(&self, value: T) -> Result<(), Error> {
        self.set_at(self.start, &value)
    }

    /// Lets the closure change the part. If this thread holds no guard, the change is committed at once; if the closure
    /// panics, nothing changes.
    ///
    /// # Errors
    /// The errors of [`Synchronized::update`](crate::Synchronized::update).
    #[inline]
    pub fn update<V>(&self, change: impl FnOnce(&mut T) -> V) -> Result<V, Error> {
        host::update(self, self.start, change)
    }
}

impl<'a, R: Host, T: 'static> Host for Part<'a, R, T> {
    type Value = T;
    type Part<'p, F: 'static>
        = Part<'a, R, F>
    where
        Self: 'p;

    #[inline(always)]
    fn part<F: 'static>(&self, start: usize) -> Part<'a, R, F> {
        Part::of(self.root, start)
    }
}

impl<R: Reader, T: 'static> Reader for Part<'_, R, T> {}
impl<R: Writer, T: 'static> Writer for Part<'_, R, T> {}

impl<R, T> Start for Part<'_, R, T> {
    #[inline(always)]
    fn start(&self) -> usize {
        self.start
    }

    #[inline(always)]
    fn size(&self) -> usize {
        size_of::<T>()
    }
}

impl<R: ReadAt, T> ReadAt for Part<'_, R, T> {
    type Contents = R::Contents;

    #[inline(always)]
    fn copy_at<F: SharedValue>(&self, start: usize) -> Unchecked<F> {
        self.root.copy_at(start)
    }

    #[inline(always)]
    fn read_with<V>(&self, copy: impl FnMut(&[AtomicU64]) -> V) -> V {
        self.root.read_with(copy)
    }

    fn read_pieces(&self, bytes: Range<usize>, copy: &mut CopyPieces<'_>) {
        self.root.read_pieces(bytes, copy);
    }
}

impl<R: WriteAt, T> WriteAt for Part<'_, R, T> {
    type Merge = R::Merge;

    #[inline(always)]
    fn change(&self, bytes: &Range<usize>, write: impl FnOnce(&[AtomicU64])) -> Result<(), Error> {
        self.root.change(bytes, write)
    }

    #[inline(always)]
    fn update_at<F: SharedValue, V>(&self, start: usize, change: impl FnOnce(&mut F) -> V) -> Result<V, Error> {
        self.root.update_at(start, change)
    }

    #[inline(always)]
    fn update_copy<V, U>(
        &self,
        bytes: &Range<usize>,
        copy: impl FnOnce(&[AtomicU64]) -> Result<V, Error>,
        change: impl FnOnce(&mut V) -> Result<U, Error>,
        write: impl FnOnce(&[AtomicU64], &V),
    ) -> Result<U, Error> {
        self.root.update_copy(bytes, copy, change, write)
    }

    fn update_held<V, U>(
        &self,
        read: impl FnOnce(&Hold<'_, R::Contents>) -> Result<V, Error>,
        change: impl FnOnce(&Hold<'_, R::Contents>, &mut V) -> Result<U, Error>,
        write: impl FnOnce(&Hold<'_, R::Contents>, &V),
    ) -> Result<U, Error> {
        self.root.update_held(read, change, write)
    }
}

impl<R, T: ?Sized> Clone for Part<'_, R, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, T: ?Sized> Copy for Part<'_, R, T> {}

/// Prints where the part lies, without reading it.
impl<R, T: ?Sized> fmt::Debug for Part<'_, R, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Part({} at byte {})", std::any::type_name::<T>(), self.start)
    }
}
