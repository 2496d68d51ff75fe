//! How the segment of an array is created.

use std::path::Path;

use crate::array::{Elements, SharedArray};
use crate::error::Error;
use crate::handle::options::Options;
use crate::layout::SharedValue;
use crate::segment::Place;

/// Arrays. To find one that exists, [`open::<[T]>`](Options::open) and its kin return a handle, which is turned into a
/// [`SharedArray`] by `into`.
impl Options {
    /// As [`SharedArray::new`].
    ///
    /// ```
    /// use shared_value::{Options, RLock, SharedArray};
    ///
    /// let lock = RLock::new()?;
    /// let array = Options::new().lock(&lock).share_array(&[1, 2, 3])?;
    /// let sum = Options::new().lock(&lock).share(6)?;
    /// let guard = lock.lock()?;
    /// array.set(0, 2)?;
    /// sum.set(7)?;
    /// # drop(guard);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    ///
    /// # Errors
    /// The same.
    pub fn share_array<'a, T: SharedValue>(
        &self,
        elements: impl Into<Elements<'a, T>>,
    ) -> Result<SharedArray<T>, Error> {
        SharedArray::create_at(&Place::Anonymous, self.terms(), &elements.into())
    }

    /// As [`SharedArray::create`].
    ///
    /// # Errors
    /// The same.
    pub fn create_array<'a, T: SharedValue>(
        &self,
        name: &str,
        elements: impl Into<Elements<'a, T>>,
    ) -> Result<SharedArray<T>, Error> {
        SharedArray::create_at(&Place::named(name)?, self.terms(), &elements.into())
    }

    /// As [`SharedArray::open`].
    ///
    /// # Errors
    /// The same; `InvalidSegment` if the array is guarded by another lock.
    pub fn open_array<T: SharedValue>(&self, name: &str) -> Result<SharedArray<T>, Error> {
        Ok(self.open::<[T]>(name)?.into())
    }

    /// As [`SharedArray::open_or_create`].
    ///
    /// # Errors
    /// The same.
    pub fn open_or_create_array<'a, T: SharedValue>(
        &self,
        name: &str,
        elements: impl Into<Elements<'a, T>>,
    ) -> Result<SharedArray<T>, Error> {
        SharedArray::open_or_create_at(&Place::named(name)?, self.terms(), &elements.into())
    }

    /// As [`SharedArray::create_file`].
    ///
    /// # Errors
    /// The same.
    pub fn create_array_file<'a, T: SharedValue>(
        &self,
        path: impl AsRef<Path>,
        elements: impl Into<Elements<'a, T>>,
    ) -> Result<SharedArray<T>, Error> {
        SharedArray::create_at(&Place::File(path.as_ref().to_owned()), self.terms(), &elements.into())
    }

    /// As [`SharedArray::open_or_create_file`].
    ///
    /// # Errors
    /// The same.
    pub fn open_or_create_array_file<'a, T: SharedValue>(
        &self,
        path: impl AsRef<Path>,
        elements: impl Into<Elements<'a, T>>,
    ) -> Result<SharedArray<T>, Error> {
        SharedArray::open_or_create_at(&Place::File(path.as_ref().to_owned()), self.terms(), &elements.into())
    }
}
