//! `Elements`: the data of a vector as the bytes of its elements.

use crate::dynamic::DynData;
use crate::dynamic::decode::decode;
use crate::dynamic::encode::{encode, found, raw};
use crate::dynamic::limit;
use crate::dynamic::vector::array_of;
use crate::error::Error;
use crate::format::growth::{BYTES, TEXT};
use crate::schema::place::Place;
use crate::schema::{DynKind, DynLayout};

/// The meaning of the elements of a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dynamic) enum Elements {
    /// The bytes of a [`SharedString`](crate::SharedString).
    Text,
    /// The bytes of a [`SharedBytes`](crate::SharedBytes).
    Bytes,
    Others,
}

impl Elements {
    /// Returns the meaning of the elements of a vector of this layout.
    pub(super) fn of(layout: &DynLayout) -> Self {
        let DynKind::Newtype { inner } = layout.kind() else { return Self::Others };
        let is_of_bytes = matches!(inner.kind(), DynKind::Vector { element } if element.name() == "u8");
        match layout.name() {
            TEXT if is_of_bytes => Self::Text,
            BYTES if is_of_bytes => Self::Bytes,
            _ => Self::Others,
        }
    }

    /// Returns the bytes of the elements in the data, for a vector of this layout, with zeros for padding.
    ///
    /// # Errors
    /// `WrongData` if the data is not such elements, `Unsupported` if there is more data than can be written at once.
    pub(in crate::dynamic) fn encode(layout: &DynLayout, data: &DynData) -> Result<Vec<u8>, Error> {
        let wrong =
            |expected: String| Err(Error::WrongData { field: layout.type_text(), expected, found: found(data) });
        let bytes = match (Self::of(layout), data.unwrapped()) {
            (Self::Text, DynData::Text(text)) => text.as_bytes().to_vec(),
            (Self::Text, _) => return wrong("a text".to_owned()),
            (Self::Bytes, data) => match raw(data) {
                Some(bytes) => bytes,
                None => return wrong("bytes".to_owned()),
            },
            (Self::Others, _) => return Self::encode_others(layout, data),
        };
        limit::check_bytes(bytes.len())?;
        Ok(bytes)
    }

    /// Returns the data of elements, as `decode` does.
    ///
    /// # Errors
    /// `InvalidBits` if the bytes are not a whole number of such elements.
    pub(in crate::dynamic) fn decode_exactly(layout: &DynLayout, bytes: &[u8]) -> Result<DynData, Error> {
        let size = layout.vector_element().map_or(1, |element| element.size);
        if bytes.len().is_multiple_of(size) {
            return Self::decode(layout, bytes.to_vec());
        }
        let (expected, found) = (format!("a whole number of {size} bytes"), format!("{} bytes", bytes.len()));
        Err(Error::InvalidBits { field: layout.type_text(), expected, found })
    }

    /// Returns the data of elements that were copied, of a vector of this layout.
    ///
    /// # Errors
    /// `InvalidBits` if the bytes are not such elements.
    pub(in crate::dynamic) fn decode(layout: &DynLayout, bytes: Vec<u8>) -> Result<DynData, Error> {
        match (Self::of(layout), layout.kind()) {
            (Self::Bytes, _) => Ok(DynData::Bytes(bytes)),
            (Self::Text, _) => {
                String::from_utf8(bytes).map(DynData::Text).map_err(|error| Error::not_text(TEXT, &error))
            }
            (Self::Others, DynKind::Newtype { inner }) => {
                let inner = Box::new(Self::decode(inner, bytes)?);
                Ok(DynData::Newtype { name: layout.name().to_owned(), inner })
            }
            (Self::Others, DynKind::Vector { element }) => {
                let array = array_of(element, bytes.len() / element.size.max(1));
                decode(Place { is_value: false, ..Place::of_value(&array) }, "", &bytes)
            }
            (Self::Others, _) => Err(Error::Unsupported { what: NOT_A_VECTOR }),
        }
    }

    fn encode_others(layout: &DynLayout, data: &DynData) -> Result<Vec<u8>, Error> {
        match (layout.kind(), data) {
            (DynKind::Newtype { inner }, DynData::Newtype { name, inner: data }) if name == layout.name() => {
                Self::encode_others(inner, data)
            }
            (DynKind::Newtype { inner }, _) => Self::encode_others(inner, data),
            (DynKind::Vector { element }, _) => {
                let DynData::Array(elements) = data.unwrapped() else {
                    let (field, expected) = (layout.type_text(), "an array".to_owned());
                    return Err(Error::WrongData { field, expected, found: found(data) });
                };
                let array = array_of(element, elements.len());
                limit::check(&array)?;
                encode(Place { is_value: false, ..Place::of_value(&array) }, "", data)
            }
            _ => Err(Error::Unsupported { what: NOT_A_VECTOR }),
        }
    }
}

/// Why a value without a vector does not grow.
pub(super) const NOT_A_VECTOR: &str =
    "only a vector, a text or bytes whose length changes can grow: the length of this value is fixed";
