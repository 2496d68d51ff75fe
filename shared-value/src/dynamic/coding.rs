//! Values as bytes, outside of segments.

use crate::dynamic::DynData;
use crate::dynamic::decode::decode;
use crate::dynamic::encode::encode;
use crate::dynamic::vector::Elements;
use crate::error::Error;
use crate::format::Invalid;
use crate::schema::place::Place;
use crate::schema::{DynKind, DynLayout};

impl DynLayout {
    /// Returns the value that these bytes represent. For a vector, a text or bytes whose length changes, they are the elements.
    ///
    /// # Errors
    /// `InvalidBits` if the bytes are not a value of the layout, or have another size.
    ///
    /// ```
    /// use shared_value::{DynData, DynLayout};
    ///
    /// let layout = DynLayout::of::<[u16; 2]>()?;
    /// let bytes = layout.encode(&vec![DynData::from(1_u16), DynData::from(2_u16)].into())?;
    /// assert_eq!(layout.decode(&bytes)?.to_string(), "[1, 2]");
    /// assert!(layout.decode(&bytes[1..]).is_err());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn decode(&self, bytes: &[u8]) -> Result<DynData, Error> {
        if self.vector_element().is_some() {
            return Elements::decode_exactly(self, bytes);
        }
        if self.size == bytes.len() && !matches!(self.kind, DynKind::Slice { .. }) {
            return decode(Place::of_value(self), "", bytes);
        }
        match self.clone().of_size(bytes.len()) {
            Ok(layout) => decode(Place::of_value(&layout), "", bytes),
            Err(Invalid { expected, found, .. }) => Err(Error::InvalidBits {
                field: self.name.to_string(),
                expected: format!("a size of {expected}"),
                found: format!("{found} bytes"),
            }),
        }
    }

    /// Returns the bytes of a value, with zeros for padding; of a vector, a text or bytes whose length changes, those of its elements.
    ///
    /// # Errors
    /// `WrongData` if the layout has no such value. [`DynData`] lists the data that each kind of type takes.
    pub fn encode(&self, data: &DynData) -> Result<Vec<u8>, Error> {
        if self.vector_element().is_some() {
            return Elements::encode(self, data);
        }
        // Here, atomic fields are not left out: they are bytes like all others.
        encode(Place { is_value: false, ..Place::of_value(self) }, "", data)
    }
}
