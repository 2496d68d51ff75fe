//! `SharedArray`: elements of one type in shared memory, as many as the program says when it runs.

mod create;
mod elements;
mod guard;
mod options;

use std::fmt;
use std::ops::{Deref, RangeBounds};

use crate::copy;
use crate::error::{Error, valid};
use crate::handle::access::{Access, ReadOnly, ReadWrite, Writable};
use crate::handle::index;
use crate::handle::shared::sealed::Copied as _;
use crate::handle::synchronized::Synchronized;
use crate::hold::read;
use crate::layout::SharedValue;

pub use self::elements::Elements;
pub use guard::ArrayGuard;

/// An array in shared memory, beside its lock: Python's `Array`.
///
/// It is a [`Synchronized<[T]>`](Synchronized), to which it dereferences, so that it is locked, waited for and handed over as
/// any value is. All of it is one value: a read sees the elements of one commit, and what is written under one guard becomes
/// visible all at once, however many elements that are. A commit costs in proportion to the elements that were changed
/// since the last one, not to all of them.
///
/// ```
/// use shared_value::SharedArray;
///
/// let samples = SharedArray::<f64>::new(1_000_000)?;
/// samples.set(7, 0.5)?;
/// samples.update(7, |sample| *sample *= 3.0)?;
/// samples.write(100, &[1.0, 2.0, 3.0])?;
///
/// let mut guard = samples.lock()?;
/// for index in [1, 10, 999_999] {
///     guard.set(index, guard.get(7));
/// }
/// drop(guard); // One commit.
///
/// let mut some = [0.0; 4];
/// samples.read(100..104, &mut some)?;
/// assert_eq!(some, [1.0, 2.0, 3.0, 0.0]);
/// assert_eq!(samples.iter().sum::<f64>(), 1.5 * 4.0 + 6.0);
/// # Ok::<(), shared_value::Error>(())
/// ```
pub struct SharedArray<T: SharedValue, A = ReadWrite> {
    handle: Synchronized<[T], A>,
}

impl<T: SharedValue, A: Access> SharedArray<T, A> {
    /// The number of elements, which never changes.
    #[inline]
    pub fn len(&self) -> usize {
        self.cell.length()
    }

    /// Whether there are no elements.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One element: what this thread has written if it holds the lock, or else what is committed. Takes no lock.
    ///
    /// # Panics
    /// If there is no such element, or if another process wrote something that is not a `T`.
    #[inline]
    #[track_caller]
    pub fn get(&self, index: usize) -> T {
        let offset = index::element::<T>(self.len(), index);
        A::field(&self.cell, offset).valid_in::<[T]>(offset)
    }

    /// Copies elements of one version into a slice: as [`get`](Self::get), but all at once. Takes no lock.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote something that is not a `T`. The slice stays as it was.
    ///
    /// # Panics
    /// If there are no such elements, or not as many as `to` has.
    #[inline]
    #[track_caller]
    pub fn read(&self, range: impl RangeBounds<usize>, to: &mut [T]) -> Result<(), Error> {
        let bytes = index::range::<T>(self.len(), range, to.len());
        read::slice::<[T], T>(bytes.start, to, |copy| A::read(&self.cell, copy))
    }

    /// All elements, of one version.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote something that is not a `T`.
    pub fn to_vec(&self) -> Result<Vec<T>, Error> {
        <[T]>::load::<A>(&self.cell)
    }

    /// Iterates over all elements as they are now, of one version: what is written meanwhile does not show.
    ///
    /// # Panics
    /// If another process wrote something that is not a `T`.
    #[track_caller]
    pub fn iter(&self) -> std::vec::IntoIter<T> {
        valid(self.to_vec()).into_iter()
    }
}

impl<T: SharedValue, A: Writable> SharedArray<T, A> {
    /// Replaces one element. If this thread holds no guard, it is committed at once.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    ///
    /// # Panics
    /// If there is no such element.
    #[inline]
    #[track_caller]
    pub fn set(&self, index: usize, value: T) -> Result<(), Error> {
        A::set(&self.cell, index::element::<T>(self.len(), index), &value)
    }

    /// Lets the closure change one element under the lock. If this thread holds no guard, the change is committed at once;
    /// if the closure panics, nothing was changed.
    ///
    /// # Errors
    /// As [`Synchronized::update`].
    ///
    /// # Panics
    /// If there is no such element.
    #[inline]
    #[track_caller]
    pub fn update<R>(&self, index: usize, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        A::update(&self.cell, index::element::<T>(self.len(), index), change)
    }

    /// Replaces the elements from `start` on. If this thread holds no guard, they are committed at once, all together.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    ///
    /// # Panics
    /// If there are not so many elements behind `start`.
    #[inline]
    #[track_caller]
    pub fn write(&self, start: usize, values: &[T]) -> Result<(), Error> {
        let bytes = index::run::<T>(self.len(), start, values.len());
        A::change(&self.cell, &bytes, |slot| copy::store_slice::<A::Merge, T>(slot, bytes.start, values))
    }

    /// Gives all elements this value, in one commit.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn fill(&self, value: T) -> Result<(), Error> {
        let (part, bytes) = (copy::part(self.len(), value), 0..self.cell.shape().size);
        A::change(&self.cell, &bytes, |slot| copy::fill::<A::Merge, T>(slot, self.len(), &part))
    }

    /// Lets the closure change all elements under the lock, in memory of its own. If this thread holds no guard, the change is
    /// committed at once; if the closure panics, nothing was changed.
    ///
    /// Where few of many elements change, a guard costs less: this copies all of them.
    ///
    /// ```
    /// use shared_value::SharedArray;
    ///
    /// let array = SharedArray::new(&[3, 1, 2])?;
    /// array.update_all(|elements| elements.sort())?;
    /// assert_eq!(array.to_vec()?, [1, 2, 3]);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn update_all<R>(&self, change: impl FnOnce(&mut [T]) -> R) -> Result<R, Error> {
        A::update_copy(
            &self.cell,
            &(0..self.cell.shape().size),
            |slot| read::elements::<[T], T>(0, self.len(), |copy| copy(slot)),
            |elements| change(elements),
            |slot, elements| copy::store_slice::<A::Merge, T>(slot, 0, elements),
        )
    }
}

impl<T: SharedValue> SharedArray<T> {
    /// The same array for reading only, in memory that is mapped so.
    ///
    /// # Errors
    /// `Io` if the segment cannot be opened or mapped once more.
    pub fn read_only(&self) -> Result<SharedArray<T, ReadOnly>, Error> {
        Ok(SharedArray::from(self.handle.read_only()?))
    }
}

impl<T: SharedValue, A> Deref for SharedArray<T, A> {
    type Target = Synchronized<[T], A>;

    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        &self.handle
    }
}

impl<T: SharedValue, A> From<Synchronized<[T], A>> for SharedArray<T, A> {
    fn from(handle: Synchronized<[T], A>) -> Self {
        Self { handle }
    }
}

impl<T: SharedValue, A> Clone for SharedArray<T, A> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone() }
    }
}

impl<T: SharedValue, A: Access> IntoIterator for &SharedArray<T, A> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    /// As [`SharedArray::iter`].
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Prints the first hundred elements, the version and the state of the lock, without waiting for it.
impl<T: SharedValue, A: Access> fmt::Debug for SharedArray<T, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt_as("SharedArray", formatter)
    }
}
