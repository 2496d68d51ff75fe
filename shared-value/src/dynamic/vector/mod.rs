//! `DynVector`: reads a vector, of which only the segment knows the elements.

use crate::cell::Cell;
use crate::copy::load_into;
use crate::dynamic::DynData;
use crate::dynamic::contents::Dynamic;
use crate::dynamic::decode::decode;
use crate::dynamic::limit;
use crate::error::Error;
use crate::format::growth::{BYTES, Excess, Growth, TEXT};
use crate::protocol::atomics::AtomicU64;
use crate::schema::place::{Place, shown};
use crate::schema::{DynKind, DynLayout};

/// A vector that is read.
pub(super) struct DynVector<'c, C: Dynamic + ?Sized> {
    cell: &'c Cell<C>,
    layout: &'c DynLayout,
    element: &'c DynLayout,
    growth: Growth,
}

impl<'c, C: Dynamic + ?Sized> DynVector<'c, C> {
    /// Returns the value as a vector, if it is one.
    pub(super) fn of(cell: &'c Cell<C>) -> Option<Self> {
        let (element, growth) = cell.facts().vector()?;
        Some(Self { cell, layout: &cell.facts().layout, element, growth })
    }

    /// Returns all elements, or the part of one. `read` calls its argument with the slot to copy from.
    pub(super) fn get(&self, path: &str, mut read: impl FnMut(&mut dyn FnMut(&[AtomicU64]))) -> Result<DynData, Error> {
        if path.is_empty() {
            return self.load(|copy| {
                read(copy);
                Ok(())
            });
        }
        let place = Place::at(self.layout, path)?;
        limit::check(place.layout)?;
        let mut bytes = vec![0; place.layout.size()];
        let length = self.length(|copy| {
            read(copy);
            Ok(())
        })?;
        let mut found = Ok(length);
        let is_inside = |length| place.offset < self.growth.end_of(length);
        if is_inside(length) {
            read(&mut |slot| {
                found = self.growth.length(slot);
                // Behind the last element there may be no memory: even to read there would take some.
                if found.is_ok_and(is_inside) {
                    load_into(slot, place.offset, &mut bytes);
                }
            });
        }
        let length = found.map_err(Excess::error)?;
        if !is_inside(length) {
            return Err(Error::NoSuchPart { path: shown(path), reason: format!("the value has {length} elements") });
        }
        decode(place, path, &bytes)
    }

    /// Returns the number of elements.
    fn length(&self, mut read: impl FnMut(&mut dyn FnMut(&[AtomicU64])) -> Result<(), Error>) -> Result<usize, Error> {
        let mut found = Ok(0);
        read(&mut |slot| found = self.growth.length(slot))?;
        found.and_then(|length| self.cell.believe(self.growth, length)).map_err(Excess::error)
    }

    /// Returns all elements. `read` calls its argument with the slot to copy from. Memory is allocated between the reads, because a
    /// read may hold the lock.
    pub(super) fn load(
        &self,
        mut read: impl FnMut(&mut dyn FnMut(&[AtomicU64])) -> Result<(), Error>,
    ) -> Result<DynData, Error> {
        let mut length = self.length(&mut read)?;
        loop {
            // If it grows while it is copied, there must be room for more some time.
            let room = length.saturating_add(length / 4);
            limit::check(&self.array(length))?;
            let mut bytes = vec![0; room.min(self.growth.capacity()) * self.element.size];
            let mut found = Ok(0);
            read(&mut |slot| {
                found = self.growth.length(slot);
                let used = found.map_or(0, |length| length * self.element.size);
                if Growth::HEAD + used > size_of_val(slot) {
                    // A private copy of a slot has no elements that there is no memory for.
                    found = found.and_then(|length| Err(Excess::without_memory(length)));
                } else if let Some(bytes) = bytes.get_mut(..used) {
                    load_into(slot, Growth::HEAD, bytes);
                }
            })?;
            length = found.and_then(|length| self.cell.believe(self.growth, length)).map_err(Excess::error)?;
            let array = self.array(length);
            if array.size() <= bytes.len() {
                limit::check(&array)?;
                bytes.truncate(array.size());
                return self.data(&array, bytes);
            }
        }
    }

    /// Returns the elements that were copied.
    fn data(&self, array: &DynLayout, bytes: Vec<u8>) -> Result<DynData, Error> {
        if self.is_of_bytes(BYTES) {
            return Ok(DynData::Bytes(bytes));
        }
        if self.is_of_bytes(TEXT) {
            return String::from_utf8(bytes).map(DynData::Text).map_err(|error| Error::not_text(TEXT, &error));
        }
        let mut data = decode(Place::of_value(array), "", &bytes)?;
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
