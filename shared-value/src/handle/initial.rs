//! `Initial`: the contents of a new value.

use std::fmt;

use crate::handle::initialize::{ArraySource, ValueSource};
use crate::handle::shared::Shared;
use crate::layout::SharedValue;

/// The contents of a new value: the argument of [`Synchronized::new`](crate::Synchronized::new) and related functions.
///
/// | value | made from |
/// |---|---|
/// | a `T` | a `T`; a `&T`, for a `T` that is too large for the stack; [`Zeroed`] |
/// | an array of `E` | a `&[E]`, a `&[E; N]`, a `Vec<E>`; [`Filled`] |
/// | a value of any type ([`Dyn`](crate::Dyn)) | a [`DynLayout`](crate::DynLayout), alone, with [`DynData`](crate::DynData), or with bytes (`&[u8]`) |
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

/// A value whose bytes are all zeros.
///
/// It is never built on the stack. Without a name, in an arena or on its own, it takes no memory before it is written.
/// Creating it fails with
/// [`Error::InvalidBits`](crate::Error::InvalidBits) if zeros are not a valid value.
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

/// An array of equal elements: the element, and the number of elements.
///
/// Without a name, in an arena or on its own, an array of zeros takes no memory before it is written.
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

impl<T: SharedValue> From<T> for Initial<'_, T> {
    fn from(value: T) -> Self {
        Self(ValueSource::Value(Box::new(value)))
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
