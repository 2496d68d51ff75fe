//! `Elements`: what an array holds at first.

use crate::cell::parts::Parts;
use crate::cell::{Cell, Terms};
use crate::copy;
use crate::copy::Alone;
use crate::copy::Copies;
use crate::error::Error;
use crate::format::contents::Shape;
use crate::layout::SharedValue;
use crate::segment::Place;

/// What an array holds at first: a slice, or so many equal elements.
///
/// A slice and a reference to an array or a `Vec` become `Elements` by themselves, and so does a number: so many zeros.
///
/// ```
/// use shared_value::{Elements, SharedArray};
///
/// let primes = SharedArray::new(&[2_u32, 3, 5])?;
/// let zeros = SharedArray::<f64>::new(1_000)?;
/// let ones = SharedArray::new(Elements::filled(1_000, 1.0_f64))?;
/// assert_eq!((primes.get(2), zeros.get(999), ones.get(999)), (5, 0.0, 1.0));
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Elements<'a, T> {
    kind: Kind<'a, T>,
}

#[derive(Clone, Copy, Debug)]
enum Kind<'a, T> {
    Slice(&'a [T]),
    Zeroed(usize),
    Filled(usize, T),
}

impl<T: SharedValue> Elements<'_, T> {
    /// So many elements whose bytes are zeros. Of an array without a name they take no memory before they are written; with
    /// a name or in a file, memory is set aside for them at once.
    ///
    /// Creating an array of them is [`Error::InvalidBits`] if zeros are not a `T`.
    pub const fn zeroed(length: usize) -> Self {
        Self { kind: Kind::Zeroed(length) }
    }

    /// So many elements of this value.
    pub const fn filled(length: usize, value: T) -> Self {
        Self { kind: Kind::Filled(length, value) }
    }

    fn length(&self) -> usize {
        match self.kind {
            Kind::Slice(values) => values.len(),
            Kind::Zeroed(length) | Kind::Filled(length, _) => length,
        }
    }

    /// A new segment that holds these.
    pub(super) fn create(&self, place: &Place, terms: &Terms) -> Result<Cell<[T]>, Error> {
        let (shape, write) = (self.shape()?, |parts: &Parts<'_, [T]>| self.write(parts));
        match self.kind {
            Kind::Zeroed(_) => Cell::create_with(place, &terms.sparse(), &shape, write),
            Kind::Slice(_) | Kind::Filled(..) => Cell::create_with(place, terms, &shape, write),
        }
    }

    /// The shape of an array of them.
    ///
    /// # Errors
    /// `Io` if no memory is so large, `InvalidBits` if they are zeros, which are not a `T`.
    pub(crate) fn shape(&self) -> Result<Shape, Error> {
        if let Kind::Zeroed(length) = self.kind {
            Copies::<T>::zeroed(length.min(1)).check_in::<[T]>(0)?;
        }
        shape::<T>(self.length())
    }

    /// Writes them for the first time, where all is zeros.
    pub(crate) fn write(&self, parts: &Parts<'_, [T]>) {
        match self.kind {
            Kind::Slice(values) => parts.slots().initialize(|slot| copy::store_slice::<Alone, T>(slot, 0, values)),
            Kind::Zeroed(_) => {}
            Kind::Filled(length, value) => {
                parts.slots().initialize(|slot| copy::fill::<Alone, T>(slot, length, &copy::part(length, value)));
            }
        }
    }
}

/// The shape of an array of so many elements.
pub(super) fn shape<T>(length: usize) -> Result<Shape, Error> {
    // Far more than a process can map, and little enough to be doubled, as two slots, and counted in bytes.
    const MOST: usize = 1 << 56;
    match length.checked_mul(size_of::<T>()) {
        Some(size) if size <= MOST => Ok(Shape::of(size, 0)),
        _ => Err(Error::io(
            format!("reserve memory for {length} elements of {} bytes", size_of::<T>()),
            std::io::ErrorKind::OutOfMemory,
        )),
    }
}

impl<'a, T> From<&'a [T]> for Elements<'a, T> {
    fn from(values: &'a [T]) -> Self {
        Self { kind: Kind::Slice(values) }
    }
}

impl<'a, T, const N: usize> From<&'a [T; N]> for Elements<'a, T> {
    fn from(values: &'a [T; N]) -> Self {
        Self { kind: Kind::Slice(values) }
    }
}

impl<'a, T> From<&'a Vec<T>> for Elements<'a, T> {
    fn from(values: &'a Vec<T>) -> Self {
        Self { kind: Kind::Slice(values) }
    }
}

impl<T: SharedValue> From<usize> for Elements<'_, T> {
    fn from(length: usize) -> Self {
        Self::zeroed(length)
    }
}
