//! Layouts from schemas and types, and bytes from data and back.

use crate::dynamic::decode::decode;
use crate::dynamic::encode::encode;
use crate::dynamic::layout::invalid_layout;
use crate::dynamic::path::Place;
use crate::dynamic::{DynData, DynLayout, schema};
use crate::error::Error;
use crate::format::Invalid;
use crate::layout::{SharedValue, schema_text};

impl DynLayout {
    /// Reads a schema, as segments hold it. `docs/format.md` has the grammar.
    ///
    /// # Errors
    /// `InvalidLayout` if the text is not a schema of this machine's byte order, if it describes no possible type (fields that
    /// overlap or lie outside of their struct, sizes that do not agree), or if it has more than 128 types inside of each other
    /// or more than 1 MiB of text.
    ///
    /// ```
    /// use shared_value::{DynLayout, Error};
    ///
    /// let Err(Error::InvalidLayout { reason, .. }) = DynLayout::parse("Point\nx: f65 @0\n") else { panic!() };
    /// assert_eq!(reason, "expected the lines of the fields of `f65`, found nothing more");
    /// ```
    pub fn parse(schema: &str) -> Result<Self, Error> {
        schema::read(schema).map_err(|invalid| invalid_layout("(schema)", &invalid))
    }

    /// Returns the layout of a type that this program knows.
    ///
    /// # Errors
    /// `InvalidLayout` if the type has more than 128 types inside of each other, or a schema of more than 1 MiB.
    pub fn of<T: SharedValue>() -> Result<Self, Error> {
        Self::parse(&schema_text(T::LAYOUT))
    }

    /// Returns the value that these bytes are.
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
        match self.clone().of_size(bytes.len()) {
            Ok(layout) => decode(Place::of_value(&layout), "", bytes),
            Err(Invalid { expected, found, .. }) => Err(Error::InvalidBits {
                field: self.name.to_string(),
                expected: format!("a size of {expected}"),
                found: format!("{found} bytes"),
            }),
        }
    }

    /// Returns the bytes of a value, with zeros for padding.
    ///
    /// # Errors
    /// `WrongData` if the layout has no such value. [`DynData`] lists what each kind of type takes.
    pub fn encode(&self, data: &DynData) -> Result<Vec<u8>, Error> {
        // Atomic fields are not left out here: they are bytes like all others.
        encode(Place { is_value: false, ..Place::of_value(self) }, "", data)
    }
}
