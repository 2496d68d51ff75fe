//! `Initial`: what a new value holds.
#![expect(private_bounds, reason = "the sealed trait can be neither named nor called from outside")]

use std::fmt;

use crate::cell::parts::Parts;
use crate::copy::{self, Alone, Copies};
use crate::error::Error;
use crate::format::contents::{Contents, Typed};
use crate::handle::shared::Shared;
use crate::layout::SharedValue;

/// What a new value holds: the argument of [`Synchronized::new`](crate::Synchronized::new) and its kin.
///
/// | value | made from |
/// |---|---|
/// | a `T` | a `T`; a `&T`, for a `T` that is too large for the stack; [`Zeroed`] |
/// | an array of `E` | a `&[E]`, a `&[E; N]`, a `Vec<E>`; [`Filled`] |
/// | a value of any type ([`Dyn`](crate::Dyn)) | a [`DynLayout`](crate::DynLayout), alone or with [`DynData`](crate::DynData) |
///
/// ```
/// use shared_value::{Filled, SharedArray, Synchronized, Zeroed};
///
/// let counter = Synchronized::new(7_i64)?;
/// let matrix = Synchronized::<[[f64; 512]; 512]>::new(Zeroed)?;
/// let samples = SharedArray::new(Filled(0.5, 1_000_000))?;
/// let primes = SharedArray::new(&[2, 3, 5])?;
/// assert_eq!((samples.at(999_999), primes.len()), (0.5, 3));
/// # let _ = (counter, matrix);
/// # Ok::<(), shared_value::Error>(())
/// ```
pub struct Initial<'a, C: Shared + ?Sized>(pub(crate) C::Source<'a>);

/// A value all bytes of which are zeros.
///
/// It is never built on the stack. Without a name it takes no memory before it is written. Creating it fails with
/// [`Error::InvalidBits`] if zeros are not a valid value.
///
/// ```
/// use shared_value::{Synchronized, Zeroed};
///
/// let frame = Synchronized::<[u64; 1 << 20]>::new(Zeroed)?;
/// assert_eq!(frame.at(1_000_000), 0);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Zeroed;

/// An array of equal elements: the element, and how many.
///
/// An array of zeros without a name takes no memory before it is written.
///
/// ```
/// use shared_value::{Filled, SharedArray};
///
/// let samples = SharedArray::new(Filled(1.5, 1_000))?;
/// assert_eq!(samples.iter().sum::<f64>(), 1_500.0);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Filled<E>(pub E, pub usize);

/// How new contents are described and written.
pub(crate) trait Initialize: Contents {
    /// What new contents are made from.
    type Source<'a>;

    /// The facts of the new value.
    fn facts_of(source: &Self::Source<'_>) -> Result<Self::Facts, Error>;

    /// Whether all bytes are zeros, so that nothing need be written.
    fn is_zeroed(source: &Self::Source<'_>) -> bool;

    /// Writes the value for the first time, where all bytes are zeros.
    fn write(source: &Self::Source<'_>, parts: &Parts<'_, Self>);
}

/// What a `T` is made from.
#[derive(Debug)]
pub enum ValueSource<'a, T> {
    Value(T),
    Reference(&'a T),
    Zeroed,
}

impl<T: SharedValue> Initialize for T {
    type Source<'a> = ValueSource<'a, T>;

    fn facts_of(source: &ValueSource<'_, T>) -> Result<(), Error> {
        if let ValueSource::Zeroed = source {
            Copies::<T>::zeroed(1).check_in::<T>(0)?;
        }
        Ok(())
    }

    fn is_zeroed(source: &ValueSource<'_, T>) -> bool {
        matches!(source, ValueSource::Zeroed)
    }

    fn write(source: &ValueSource<'_, T>, parts: &Parts<'_, T>) {
        match source {
            ValueSource::Value(value) => parts.initialize(value),
            ValueSource::Reference(value) => parts.initialize(value),
            ValueSource::Zeroed => {}
        }
    }
}

/// What an array is made from.
#[derive(Debug)]
pub enum ArraySource<'a, E> {
    Slice(&'a [E]),
    Vec(Vec<E>),
    Filled(E, usize),
}

impl<E: SharedValue> Initialize for [E] {
    type Source<'a> = ArraySource<'a, E>;

    fn facts_of(source: &ArraySource<'_, E>) -> Result<Self::Facts, Error> {
        // Far more than a process can map, and little enough to be doubled, as two slots, and counted in bytes.
        const MOST: usize = 1 << 56;
        let length = match source {
            ArraySource::Slice(elements) => elements.len(),
            ArraySource::Vec(elements) => elements.len(),
            ArraySource::Filled(_, length) => *length,
        };
        let size = length.checked_mul(size_of::<E>()).filter(|size| *size <= MOST);
        size.and_then(<[E]>::facts).ok_or_else(|| {
            Error::io(
                format!("reserve memory for {length} elements of {} bytes", size_of::<E>()),
                std::io::ErrorKind::OutOfMemory,
            )
        })
    }

    fn is_zeroed(source: &ArraySource<'_, E>) -> bool {
        matches!(source, ArraySource::Filled(element, _) if copy::is_zeroed(element))
    }

    fn write(source: &ArraySource<'_, E>, parts: &Parts<'_, [E]>) {
        match source {
            ArraySource::Slice(elements) => write_elements(parts, elements),
            ArraySource::Vec(elements) => write_elements(parts, elements),
            ArraySource::Filled(element, length) => {
                let part = copy::part(*length, *element);
                parts.slots().initialize(|slot| copy::fill::<Alone, E>(slot, 0, *length, &part));
            }
        }
    }
}

fn write_elements<E: SharedValue>(parts: &Parts<'_, [E]>, elements: &[E]) {
    parts.slots().initialize(|slot| copy::store_slice::<Alone, E>(slot, 0, elements));
}

impl<T: SharedValue> From<T> for Initial<'_, T> {
    fn from(value: T) -> Self {
        Self(ValueSource::Value(value))
    }
}

impl<'a, T: SharedValue> From<&'a T> for Initial<'a, T> {
    fn from(value: &'a T) -> Self {
        Self(ValueSource::Reference(value))
    }
}

impl<T: SharedValue> From<Zeroed> for Initial<'_, T> {
    fn from(_: Zeroed) -> Self {
        Self(ValueSource::Zeroed)
    }
}

impl<'a, E: SharedValue> From<&'a [E]> for Initial<'a, [E]> {
    fn from(elements: &'a [E]) -> Self {
        Self(ArraySource::Slice(elements))
    }
}

impl<'a, E: SharedValue, const N: usize> From<&'a [E; N]> for Initial<'a, [E]> {
    fn from(elements: &'a [E; N]) -> Self {
        Self(ArraySource::Slice(elements))
    }
}

impl<'a, E: SharedValue> From<&'a Vec<E>> for Initial<'a, [E]> {
    fn from(elements: &'a Vec<E>) -> Self {
        Self(ArraySource::Slice(elements))
    }
}

impl<E: SharedValue> From<Vec<E>> for Initial<'_, [E]> {
    fn from(elements: Vec<E>) -> Self {
        Self(ArraySource::Vec(elements))
    }
}

impl<E: SharedValue> From<Filled<E>> for Initial<'_, [E]> {
    fn from(Filled(element, length): Filled<E>) -> Self {
        Self(ArraySource::Filled(element, length))
    }
}

impl<C: Shared + ?Sized> fmt::Debug for Initial<'_, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Initial").finish_non_exhaustive()
    }
}
