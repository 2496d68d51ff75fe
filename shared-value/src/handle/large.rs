//! Values that are too large for the stack: they are created, copied and changed in other memory.

use std::path::Path;

use crate::cell::{Cell, Terms, open_or_else};
use crate::copy;
use crate::copy::Copies;
use crate::error::Error;
use crate::handle::access::{Access, Writable};
use crate::handle::synchronized::Synchronized;
use crate::hold::read;
use crate::layout::SharedValue;
use crate::segment::Place;

/// Values that are too large for the stack: no function of this section ever puts one there.
///
/// ```
/// use shared_value::{SharedValue, Synchronized};
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Map {
///     edits: u64,
///     heights: [f32; 4_000_000],
/// }
///
/// # std::thread::Builder::new().stack_size(64 << 10).spawn(|| {
/// let map = Synchronized::<Map>::zeroed()?;
/// map.set_heights_at(1_000_000, 8.5)?;
/// map.update_boxed(|map| {
///     map.edits += 1;
///     map.heights[1_000_001] = 9.5;
/// })?;
/// let copy: Box<Map> = map.load_boxed()?;
/// assert_eq!(copy.heights[1_000_000..1_000_002], [8.5, 9.5]);
/// let other = Synchronized::from_ref(&*copy)?;
/// assert_eq!(other.edits(), 1);
/// # Ok::<(), shared_value::Error>(())
/// # }).unwrap().join().unwrap()?;
/// # Ok::<(), shared_value::Error>(())
/// ```
impl<T: SharedValue> Synchronized<T> {
    /// A value without a name, as [`new`](Self::new), copied from where it is.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_ref(value: &T) -> Result<Self, Error> {
        Ok(Self::of(Cell::create(&Place::Anonymous, &Terms::default(), value)?))
    }

    /// A value without a name, all bytes of which are zeros. None of them is written.
    ///
    /// # Errors
    /// `InvalidBits` if zeros are not a `T`, and as [`new`](Self::new).
    pub fn zeroed() -> Result<Self, Error> {
        Ok(Self::of(zeroed(&Place::Anonymous)?))
    }

    /// A value under a new name, as [`create`](Self::create), copied from where it is.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_from(name: &str, value: &T) -> Result<Self, Error> {
        Ok(Self::of(Cell::create(&Place::named(name)?, &Terms::default(), value)?))
    }

    /// A value under a new name, as [`create`](Self::create), all bytes of which are zeros. None of them is written.
    ///
    /// # Errors
    /// `InvalidBits` if zeros are not a `T`, and as [`create`](Self::create).
    pub fn create_zeroed(name: &str) -> Result<Self, Error> {
        Ok(Self::of(zeroed(&Place::named(name)?)?))
    }

    /// The value that has this name, as [`open_or_create`](Self::open_or_create), or a new one of zeros.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`create_zeroed`](Self::create_zeroed).
    pub fn open_or_create_zeroed(name: &str) -> Result<Self, Error> {
        let place = Place::named(name)?;
        Ok(Self::of(open_or_else(|| Cell::open(&place, &Terms::default().guarding), || zeroed(&place))?))
    }

    /// A value in a new file, as [`create_file`](Self::create_file), copied from where it is.
    ///
    /// # Errors
    /// As [`create_file`](Self::create_file).
    pub fn create_file_from(path: impl AsRef<Path>, value: &T) -> Result<Self, Error> {
        Ok(Self::of(Cell::create(&Place::File(path.as_ref().to_owned()), &Terms::default(), value)?))
    }

    /// A value in a new file, as [`create_file`](Self::create_file), all bytes of which are zeros. None of them is written.
    ///
    /// # Errors
    /// `InvalidBits` if zeros are not a `T`, and as [`create_file`](Self::create_file).
    pub fn create_file_zeroed(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self::of(zeroed(&Place::File(path.as_ref().to_owned()))?))
    }
}

impl<T: SharedValue, A: Access> Synchronized<T, A> {
    /// The value, as [`load`](Self::load), in memory of its own.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_boxed(&self) -> Result<Box<T>, Error> {
        read::boxed(&self.cell, |copy| A::read(&self.cell, copy))
    }
}

impl<T: SharedValue, A: Writable> Synchronized<T, A> {
    /// Replaces the whole value but for its atomic fields, as [`store`](Self::store), by a copy of this one.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn store_from(&self, value: &T) -> Result<(), Error> {
        A::set(&self.cell, 0, value)
    }

    /// Lets the closure change the value under the lock, as [`update`](Self::update), in memory of its own.
    ///
    /// All of the value is copied; to change a few fields of a large one, set those under a guard.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn update_boxed<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        A::update_copy(
            &self.cell,
            &copy::range::<T>(0),
            |slot| read::boxed(&self.cell, |copy| copy(slot)),
            |value| change(value),
            |slot, value| copy::store_by::<A::Merge, T>(slot, 0, value),
        )
    }
}

fn zeroed<T: SharedValue>(place: &Place) -> Result<Cell<T>, Error> {
    Copies::<T>::zeroed(1).check_in::<T>(0)?;
    Cell::create_with(place, &Terms::default().sparse(), &(), |_| {})
}
