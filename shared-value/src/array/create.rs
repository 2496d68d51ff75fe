//! Where arrays come from.

use std::path::Path;

use crate::array::elements::shape;
use crate::array::{Elements, SharedArray};
use crate::cell::{Cell, Guarding, Terms, open_or_else};
use crate::copy;
use crate::error::Error;
use crate::handle::access::{ReadOnly, Unlocked};
use crate::handle::synchronized::Synchronized;
use crate::layout::SharedValue;
use crate::segment::Place;

impl<T: SharedValue> SharedArray<T> {
    /// An array without a name, for this process, the children that it forks, and whoever it hands the array to.
    ///
    /// # Errors
    /// `Io` if there is no memory for it; `InvalidBits` if it is to hold zeros, which are not a `T`.
    pub fn new<'a>(elements: impl Into<Elements<'a, T>>) -> Result<Self, Error> {
        Self::create_at(&Place::Anonymous, &Terms::default(), &elements.into())
    }

    /// An array without a name of so many elements, each of which is what the closure returns for its index.
    ///
    /// ```
    /// use shared_value::SharedArray;
    ///
    /// let squares = SharedArray::from_fn(10, |index| index * index)?;
    /// assert_eq!(squares.get(9), 81);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Io` if there is no memory for it.
    pub fn from_fn(length: usize, element: impl FnMut(usize) -> T) -> Result<Self, Error> {
        let elements = (0..length).map(element).enumerate();
        let cell = Cell::create_with(&Place::Anonymous, &Terms::default(), &shape::<T>(length)?, |parts| {
            parts.slots().initialize(|slot| {
                elements.for_each(|(index, value)| copy::store(slot, index * size_of::<T>(), &value));
            });
        })?;
        Ok(Self::from(Synchronized::of(cell)))
    }

    /// An array under a new name, which any process of this user can open until it is [unlinked](crate::unlink).
    ///
    /// The name appears only when the array is complete. It is that of a file in `/dev/shm`, with mode 0600; for
    /// another mode see [`Options`](crate::Options).
    ///
    /// # Errors
    /// `AlreadyExists` if the name is taken, `InvalidName`, and as [`new`](Self::new).
    pub fn create<'a>(name: &str, elements: impl Into<Elements<'a, T>>) -> Result<Self, Error> {
        Self::create_at(&Place::named(name)?, &Terms::default(), &elements.into())
    }

    /// The array that has this name, of whatever length.
    ///
    /// # Errors
    /// `NotFound`, `LayoutMismatch` if it is of another type, `InvalidSegment`, `InvalidName`, `Io`.
    pub fn open(name: &str) -> Result<Self, Error> {
        Synchronized::open(name).map(Self::from)
    }

    /// The array that has this name, of whatever length, created if there is none. Of many who call this at once, one
    /// creates.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create<'a>(name: &str, elements: impl Into<Elements<'a, T>>) -> Result<Self, Error> {
        Self::open_or_create_at(&Place::named(name)?, &Terms::default(), &elements.into())
    }

    /// An array in a new file, which outlives all processes. The file appears only when the array is complete.
    ///
    /// After a crash of the whole machine the file holds what the system had written of it, which may be a mixture of
    /// versions.
    ///
    /// # Errors
    /// `AlreadyExists`, and as [`new`](Self::new); `Io` also where the file system has no `O_TMPFILE`.
    pub fn create_file<'a>(path: impl AsRef<Path>, elements: impl Into<Elements<'a, T>>) -> Result<Self, Error> {
        Self::create_at(&Place::File(path.as_ref().to_owned()), &Terms::default(), &elements.into())
    }

    /// The array in a file, of whatever length.
    ///
    /// # Errors
    /// `NotFound`, `LayoutMismatch` if it is of another type, `InvalidSegment`, `Io`.
    pub fn open_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        Synchronized::open_file(path).map(Self::from)
    }

    /// The array in a file, of whatever length, which is created if there is none. Of many who call this at once, one
    /// creates.
    ///
    /// # Errors
    /// As [`open_file`](Self::open_file) and [`create_file`](Self::create_file).
    pub fn open_or_create_file<'a>(
        path: impl AsRef<Path>,
        elements: impl Into<Elements<'a, T>>,
    ) -> Result<Self, Error> {
        Self::open_or_create_at(&Place::File(path.as_ref().to_owned()), &Terms::default(), &elements.into())
    }

    pub(super) fn create_at(place: &Place, terms: &Terms, elements: &Elements<'_, T>) -> Result<Self, Error> {
        Ok(Self::from(Synchronized::of(elements.create(place, terms)?)))
    }

    pub(super) fn open_or_create_at(place: &Place, terms: &Terms, elements: &Elements<'_, T>) -> Result<Self, Error> {
        let cell = open_or_else(|| Cell::open(place, &terms.guarding), || elements.create(place, terms))?;
        Ok(Self::from(Synchronized::of(cell)))
    }
}

impl<T: SharedValue> SharedArray<T, ReadOnly> {
    /// The array that has this name, for reading only: read permission for it is enough.
    ///
    /// # Errors
    /// As [`SharedArray::open`].
    pub fn open_read_only(name: &str) -> Result<Self, Error> {
        Synchronized::open_read_only(name).map(Self::from)
    }

    /// The array in a file, for reading only: read permission for it is enough.
    ///
    /// # Errors
    /// As [`SharedArray::open_file`].
    pub fn open_file_read_only(path: impl AsRef<Path>) -> Result<Self, Error> {
        Synchronized::open_file_read_only(path).map(Self::from)
    }
}

impl<T: SharedValue> SharedArray<T, Unlocked> {
    /// An array without a name and without a lock.
    ///
    /// # Errors
    /// As [`SharedArray::new`].
    pub fn unlocked<'a>(elements: impl Into<Elements<'a, T>>) -> Result<Self, Error> {
        let cell = elements.into().create(&Place::Anonymous, &Terms::of(Guarding::None))?;
        Ok(Self::from(Synchronized::of(cell)))
    }

    /// An array under a new name and without a lock.
    ///
    /// # Errors
    /// As [`SharedArray::create`].
    pub fn create_unlocked<'a>(name: &str, elements: impl Into<Elements<'a, T>>) -> Result<Self, Error> {
        let cell = elements.into().create(&Place::named(name)?, &Terms::of(Guarding::None))?;
        Ok(Self::from(Synchronized::of(cell)))
    }

    /// The array without a lock that has this name.
    ///
    /// # Errors
    /// As [`SharedArray::open`]; `InvalidSegment` if the array has a lock.
    pub fn open_unlocked(name: &str) -> Result<Self, Error> {
        Synchronized::open_unlocked(name).map(Self::from)
    }
}
