//! How new contents are described and written, from the sources that programs give.

use crate::cell::parts::Parts;
use crate::copy::{self, Alone, Copies};
use crate::error::Error;
use crate::format::OneSlot;
use crate::format::contents::{Contents, Typed};
use crate::layout::SharedValue;

/// How new contents are described and written.
pub(crate) trait Initialize: Contents {
    /// What new contents are made from.
    type Source<'a>;

    /// Returns the facts of the new value.
    fn facts_of(source: &Self::Source<'_>) -> Result<Self::Facts, Error>;

    /// Returns whether all bytes are zeros, so that nothing need be written.
    fn is_zeroed(source: &Self::Source<'_>) -> bool;

    /// Writes the value for the first time, into memory that is all zeros.
    fn write(source: &Self::Source<'_>, parts: &Parts<'_, Self>);
}

/// What a `T` is made from. It is small for every `T`: a large value must not pass through the stack.
#[derive(Debug)]
pub(crate) enum ValueSource<'a, T> {
    Value(Box<T>),
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

impl<C: Initialize + ?Sized> Initialize for OneSlot<C> {
    type Source<'a> = C::Source<'a>;

    fn facts_of(source: &C::Source<'_>) -> Result<C::Facts, Error> {
        C::facts_of(source)
    }

    fn is_zeroed(source: &C::Source<'_>) -> bool {
        C::is_zeroed(source)
    }

    fn write(source: &C::Source<'_>, parts: &Parts<'_, Self>) {
        C::write(source, &parts.as_those_of());
    }
}

/// What an array is made from.
#[derive(Debug)]
pub(crate) enum ArraySource<'a, E> {
    Slice(&'a [E]),
    Vec(Vec<E>),
    Filled(E, usize),
}

impl<E: SharedValue> Initialize for [E] {
    type Source<'a> = ArraySource<'a, E>;

    fn facts_of(source: &ArraySource<'_, E>) -> Result<Self::Facts, Error> {
        // Far more than a process can map, and small enough that the size of two such slots in bytes does not overflow.
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
