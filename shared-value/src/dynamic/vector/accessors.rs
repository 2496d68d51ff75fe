//! The functions of dynamic values whose number of elements changes.
#![expect(private_bounds, reason = "the sealed trait can be neither named nor called from outside")]

use crate::accessors::host::{Root, Writer};
use crate::dynamic::contents::Dynamic;
use crate::dynamic::encode::encode;
use crate::dynamic::vector::DynVector;
use crate::dynamic::vector::encode::{Elements, NOT_A_VECTOR};
use crate::dynamic::{DynAccessors, DynData};
use crate::error::Error;
use crate::schema::place::Place;

/// The length of a vector, a text or bytes.
impl<H: Root<Contents: Dynamic>> DynAccessors<H> {
    /// Returns the number of elements of a vector, or of bytes of a text or of bytes. Another process may change it at any time.
    ///
    /// # Errors
    /// `Unsupported` if the length of the value is fixed; `InvalidBits` if another process wrote a number of elements that is
    /// greater than the capacity.
    ///
    /// ```
    /// use shared_value::{Capacity, DynData, DynLayout, DynValue};
    ///
    /// let jobs = DynValue::new((DynLayout::vector(DynLayout::of::<u32>()?)?, Capacity(1_000)))?;
    /// jobs.push(7_u64)?;
    /// assert_eq!((jobs.length()?, jobs.capacity()?), (1, 1_000));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn length(&self) -> Result<usize, Error> {
        self.vector()?.length(|copy| self.host().read_with(copy))
    }

    /// Returns the greatest number of elements, or of bytes, which never changes.
    ///
    /// # Errors
    /// `Unsupported` if the length of the value is fixed.
    pub fn capacity(&self) -> Result<usize, Error> {
        Ok(self.vector()?.growth.capacity())
    }

    fn vector(&self) -> Result<DynVector<'_, H::Contents>, Error> {
        DynVector::of(self.host().cell()).ok_or(Error::Unsupported { what: NOT_A_VECTOR })
    }
}

/// Changing the length of a vector, a text or bytes.
impl<H: Root<Contents: Dynamic> + Writer> DynAccessors<H> {
    /// Adds an element at the end of a [vector](crate::SharedVec), or a byte at the end of [bytes](crate::SharedBytes). If this thread
    /// holds no guard, the change is committed at once.
    ///
    /// # Errors
    /// The errors of [`extend`](Self::extend), and `Unsupported` for a text.
    ///
    /// ```
    /// use shared_value::{Capacity, DynData, DynValue, SharedVec};
    ///
    /// # let name = format!("shared-value-doc-dyn-push-{}", std::process::id());
    /// let jobs = SharedVec::<u32>::create(&name, Capacity(1_000))?;
    /// let value = DynValue::open(&name)?;
    /// value.push(7_u64)?;
    /// value.extend(vec![DynData::from(8_u64), DynData::from(9_u64)])?;
    /// value.set("[1]", 80_u64)?;
    /// assert_eq!(jobs.load()?, [7, 80, 9]);
    /// value.truncate(1)?;
    /// assert_eq!(value.to_string(), "[7]");
    /// # shared_value::unlink(&name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn push(&self, element: impl Into<DynData>) -> Result<(), Error> {
        let vector = self.vector()?;
        vector.expect_elements()?;
        let place = Place { is_value: false, ..Place::of_value(vector.element) };
        let bytes = encode(place, "", &element.into())?;
        vector.extend(self.host(), &bytes)
    }

    /// Adds elements at the end of a vector, text at the end of a [text](crate::SharedString), or bytes at the end of
    /// [bytes](crate::SharedBytes), all in one commit.
    ///
    /// # Errors
    /// - `WrongData` if the value cannot hold the data; `VectorFull` if there would be more elements than the capacity; `Io` if there
    ///   is no memory for them. Nothing was changed.
    /// - `Unsupported` if the length of the value is fixed, if the value has no lock, or if there is more data than can be written at
    ///   once.
    /// - `InvalidBits` if another process wrote a number of elements that is greater than the capacity. To `set` the whole ends that.
    /// - The errors of [`Synchronized::update`](crate::Synchronized::update).
    pub fn extend(&self, elements: impl Into<DynData>) -> Result<(), Error> {
        let vector = self.vector()?;
        let bytes = Elements::encode(vector.layout, &elements.into())?;
        vector.extend(self.host(), &bytes)
    }

    /// Keeps the first `length` elements, or bytes, and removes the others. The memory stays with the value.
    ///
    /// # Errors
    /// `WrongData` if a text would end in the middle of a character, and the errors of [`extend`](Self::extend).
    pub fn truncate(&self, length: usize) -> Result<(), Error> {
        let vector = self.vector()?;
        vector.truncate(self.host(), length)
    }
}
