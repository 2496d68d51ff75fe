//! Elements of a value that is an array.

use crate::error::Error;
use crate::handle::access::{Access, Writable};
use crate::handle::synchronized::Synchronized;
use crate::layout::SharedValue;

impl<E: SharedValue, const N: usize, A: Access> Synchronized<[E; N], A> {
    /// One element, read without a lock.
    ///
    /// # Panics
    /// If `index` is not below `N`, or if another process wrote something that is not an `E`.
    #[inline]
    #[track_caller]
    pub fn at(&self, index: usize) -> E {
        let offset = element_offset::<E, N>(0, index);
        A::field(&self.cell, offset).valid_in::<[E; N]>(offset)
    }
}

impl<E: SharedValue, const N: usize, A: Writable> Synchronized<[E; N], A> {
    /// Changes one element under the lock.
    ///
    /// # Errors
    /// As [`Synchronized::update`].
    ///
    /// # Panics
    /// If `index` is not below `N`.
    #[inline]
    #[track_caller]
    pub fn set_at(&self, index: usize, value: E) -> Result<(), Error> {
        A::set(&self.cell, element_offset::<E, N>(0, index), &value)
    }
}

/// Where an element of an array starts that itself starts at `offset`.
#[inline(always)]
#[track_caller]
pub(crate) fn element_offset<E, const N: usize>(offset: usize, index: usize) -> usize {
    assert!(index < N, "the index is {index} but the array has {N} elements");
    offset + index * size_of::<E>()
}
