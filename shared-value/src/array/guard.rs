//! What a guard does to the elements of an array.

use std::ops::RangeBounds;

use crate::copy;
use crate::copy::Alone;
use crate::error::Error;
use crate::handle::guard::Guard;
use crate::handle::index;
use crate::hold::read;
use crate::layout::SharedValue;

/// Proof that this thread holds the lock of a [`SharedArray`](crate::SharedArray). What is written through it is one commit.
///
/// ```
/// use shared_value::{ArrayGuard, SharedArray};
///
/// /// Leaves the largest element in front.
/// fn raise(guard: &mut ArrayGuard<'_, u32>) {
///     for index in (1..guard.len()).rev() {
///         if guard.get(index) > guard.get(index - 1) {
///             guard.swap(index, index - 1);
///         }
///     }
/// }
///
/// let array = SharedArray::new(&[1_u32, 7, 3])?;
/// raise(&mut array.lock()?);
/// assert_eq!(array.to_vec()?, [7, 1, 3]);
/// assert_eq!(array.version(), 1);
/// # Ok::<(), shared_value::Error>(())
/// ```
pub type ArrayGuard<'a, T> = Guard<'a, [T]>;

impl<T: SharedValue> Guard<'_, [T]> {
    /// The number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.hold.cell().length()
    }

    /// Whether there are no elements.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One element, with this thread's own writes.
    ///
    /// # Panics
    /// If there is no such element, or if another process wrote something that is not a `T`.
    #[inline]
    #[track_caller]
    pub fn get(&self, index: usize) -> T {
        let offset = index::element::<T>(self.len(), index);
        self.hold.field(offset).valid_in::<[T]>(offset)
    }

    /// Copies elements into a slice, with this thread's own writes.
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
        read::slice::<[T], T>(bytes.start, to, |copy| self.read_with(copy))
    }

    /// All elements, with this thread's own writes.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote something that is not a `T`.
    pub fn to_vec(&self) -> Result<Vec<T>, Error> {
        read::elements::<[T], T>(0, self.len(), |copy| self.read_with(copy)).map(Vec::from)
    }

    /// Replaces one element, to be committed.
    ///
    /// # Panics
    /// If there is no such element; inside of an `update` of the same array by this thread, after a panic has passed through
    /// an inner guard, and in a child that was forked after the lock was taken.
    #[inline]
    #[track_caller]
    pub fn set(&mut self, index: usize, value: T) {
        let offset = index::element::<T>(self.len(), index);
        self.writable().unwrap().write(offset, &value);
    }

    /// Lets the closure change one element. If the closure panics, nothing was changed.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote something that is not a `T`.
    ///
    /// # Panics
    /// As [`set`](Self::set).
    #[inline]
    #[track_caller]
    pub fn update<R>(&mut self, index: usize, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        let offset = index::element::<T>(self.len(), index);
        let hold = self.writable().unwrap();
        let value = hold.read(offset).check_in::<[T]>(offset)?;
        Ok(hold.update(offset, value, change)?)
    }

    /// Replaces the elements from `start` on, to be committed.
    ///
    /// # Panics
    /// If there are not so many elements behind `start`, and as [`set`](Self::set).
    #[inline]
    #[track_caller]
    pub fn write(&mut self, start: usize, values: &[T]) {
        let bytes = index::run::<T>(self.len(), start, values.len());
        self.writable().unwrap().change(&bytes, |slot| copy::store_slice::<Alone, T>(slot, bytes.start, values));
    }

    /// Gives all elements this value, to be committed.
    ///
    /// # Panics
    /// As [`set`](Self::set).
    #[track_caller]
    pub fn fill(&mut self, value: T) {
        let (length, bytes) = (self.len(), 0..self.hold.cell().shape().size);
        let part = copy::part(length, value);
        self.writable().unwrap().change(&bytes, |slot| copy::fill::<Alone, T>(slot, length, &part));
    }

    /// Exchanges two elements, to be committed.
    ///
    /// # Panics
    /// If another process wrote something that is not a `T`, and as [`set`](Self::set).
    #[track_caller]
    pub fn swap(&mut self, one: usize, other: usize) {
        let (first, second) = (self.get(one), self.get(other));
        self.set(one, second);
        self.set(other, first);
    }

    /// Lets the closure change all elements, in memory of its own. If the closure panics, nothing was changed.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote something that is not a `T`.
    ///
    /// # Panics
    /// As [`set`](Self::set).
    #[track_caller]
    pub fn update_all<R>(&mut self, change: impl FnOnce(&mut [T]) -> R) -> Result<R, Error> {
        let bytes = 0..self.hold.cell().shape().size;
        let hold = self.writable().unwrap();
        let elements = read::elements::<[T], T>(0, self.len(), |copy| copy(hold.current()))?;
        let change = |elements: &mut Box<[T]>| Ok(change(elements));
        hold.try_update_copy(&bytes, elements, change, |slot, elements| {
            copy::store_slice::<Alone, T>(slot, 0, elements);
        })
    }
}
