//! `DynVector`: reads a vector, of which only the segment knows the elements.

mod accessors;
mod edit;
mod encode;

use crate::cell::Cell;
use crate::copy::load_into;
use crate::dynamic::DynData;
use crate::dynamic::contents::Dynamic;
use crate::dynamic::decode::decode;
use crate::dynamic::limit;
use crate::error::Error;
use crate::format::growth::{Excess, Growth};
use crate::format::room::Room;
use crate::protocol::atomics::AtomicU64;
use crate::schema::place::{Place, shown};
use crate::schema::{DynKind, DynLayout};

pub(super) use encode::Elements;

/// A vector of a dynamic value.
pub(super) struct DynVector<'c, C: Dynamic + ?Sized> {
    cell: &'c Cell<C>,
    layout: &'c DynLayout,
    element: &'c DynLayout,
    room: &'c Room,
    growth: Growth,
}

impl<'c, C: Dynamic + ?Sized> DynVector<'c, C> {
    /// Returns the value as a vector, if it is one.
    pub(super) fn of(cell: &'c Cell<C>) -> Option<Self> {
        let (element, room) = cell.facts().vector()?;
        Some(Self { cell, layout: &cell.facts().layout, element, room, growth: room.growth() })
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
            return Err(no_such_element(path, length));
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
            self.check_size(length)?;
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
            let used = length * self.element.size;
            if used <= bytes.len() {
                self.check_size(length)?;
                bytes.truncate(used);
                return Elements::decode(self.layout, bytes);
            }
        }
    }

    /// Checks that this many elements are few enough to be read at once.
    fn check_size(&self, length: usize) -> Result<(), Error> {
        match Elements::of(self.layout) {
            Elements::Text | Elements::Bytes => limit::check_bytes(length),
            Elements::Others => limit::check(&array_of(self.element, length)),
        }
    }
}

/// Returns the layout of an array of this many elements.
fn array_of(element: &DynLayout, length: usize) -> DynLayout {
    let size = length.saturating_mul(element.size);
    DynLayout::new("array", size, element.align, DynKind::Array { length, element: Box::new(element.clone()) })
}

/// Returns the error for a path behind the last element.
fn no_such_element(path: &str, length: usize) -> Error {
    Error::NoSuchPart { path: shown(path), reason: format!("the value has {length} elements") }
}
