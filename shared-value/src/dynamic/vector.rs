//! `DynVector`: reads a vector, of which only the segment knows the elements.

use crate::copy::load_into;
use crate::dynamic::DynData;
use crate::dynamic::decode::decode;
use crate::dynamic::limit;
use crate::error::Error;
use crate::format::growth::{Excess, Growth};
use crate::protocol::atomics::AtomicU64;
use crate::schema::place::{Place, shown};
use crate::schema::{DynKind, DynLayout};

/// A vector that is read.
pub(super) struct DynVector<'l> {
    layout: &'l DynLayout,
    element: &'l DynLayout,
    growth: Growth,
}

/// The bytes of all elements, and their layout as an array.
pub(super) type Copied = Result<(DynLayout, Vec<u8>), Error>;

impl<'l> DynVector<'l> {
    pub(super) fn new(layout: &'l DynLayout, element: &'l DynLayout, growth: Growth) -> Self {
        Self { layout, element, growth }
    }

    /// Returns all elements, or the part of one. `read` calls its argument with the slot to copy from.
    pub(super) fn get(&self, path: &str, read: impl FnOnce(&mut dyn FnMut(&[AtomicU64]))) -> Result<DynData, Error> {
        if path.is_empty() {
            return self.load(read);
        }
        let place = Place::at(self.layout, path)?;
        limit::check(place.layout)?;
        let mut bytes = vec![0; place.layout.size()];
        let mut length = Ok(0);
        read(&mut |slot| {
            length = self.growth.length(slot);
            // What lies inside of the slot is a part of an element, which may not be one of those that exist.
            if place.offset + bytes.len() <= self.growth.size() {
                load_into(slot, place.offset, &mut bytes);
            }
        });
        let length = length.map_err(Excess::error)?;
        if place.offset >= self.growth.end_of(length) {
            return Err(Error::NoSuchPart { path: shown(path), reason: format!("the value has {length} elements") });
        }
        decode(place, path, &bytes)
    }

    /// Returns all elements. `read` calls its argument with the slot to copy from.
    pub(super) fn load(&self, read: impl FnOnce(&mut dyn FnMut(&[AtomicU64]))) -> Result<DynData, Error> {
        let mut copied = Ok((self.array(0), Vec::new()));
        read(&mut |slot| copied = self.copy(slot));
        self.data(copied)
    }

    /// Copies all elements of a slot.
    pub(super) fn copy(&self, slot: &[AtomicU64]) -> Copied {
        let length = self.growth.length(slot).map_err(Excess::error)?;
        let array = self.array(length);
        limit::check(&array)?;
        let mut bytes = vec![0; array.size()];
        load_into(slot, Growth::HEAD, &mut bytes);
        Ok((array, bytes))
    }

    /// Returns the elements that were copied.
    pub(super) fn data(&self, copied: Copied) -> Result<DynData, Error> {
        let (array, bytes) = copied?;
        if self.is_of_bytes("SharedBytes") {
            return Ok(DynData::Bytes(bytes));
        }
        if self.is_of_bytes("SharedString") {
            return String::from_utf8(bytes).map(DynData::Text).map_err(|error| Error::InvalidBits {
                field: self.layout.name().to_owned(),
                expected: "UTF-8".to_owned(),
                found: error.utf8_error().to_string(),
            });
        }
        let mut data = decode(Place::of_value(&array), "", &bytes)?;
        let mut layout = self.layout;
        let mut names = Vec::new();
        while let DynKind::Newtype { inner } = layout.kind() {
            names.push(layout.name());
            layout = inner;
        }
        for name in names.into_iter().rev() {
            data = DynData::Newtype { name: name.to_owned(), inner: Box::new(data) };
        }
        Ok(data)
    }

    /// Returns whether it is a newtype of this name around a vector of bytes.
    fn is_of_bytes(&self, name: &str) -> bool {
        let DynKind::Newtype { inner } = self.layout.kind() else { return false };
        self.layout.name() == name && matches!(inner.kind(), DynKind::Vector { .. }) && self.element.name() == "u8"
    }

    /// Returns the layout of an array of this many elements.
    fn array(&self, length: usize) -> DynLayout {
        let (size, element) = (length * self.element.size, Box::new(self.element.clone()));
        DynLayout::new("array", size, self.element.align, DynKind::Array { length, element })
    }
}
