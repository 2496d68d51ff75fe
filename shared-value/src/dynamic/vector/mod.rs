//! `DynVector`: reads a vector, of which only the segment knows the elements.

mod accessors;
mod edit;
mod encode;

use crate::cell::{Cell, Excerpt};
use crate::copy::{Copies, load_into};
use crate::dynamic::DynData;
use crate::dynamic::contents::Dynamic;
use crate::dynamic::decode::decode;
use crate::dynamic::limit;
use crate::error::Error;
use crate::format::growth::{Excess, Growth};
use crate::format::room::Room;
use crate::hold::read::CopyPieces;
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

    /// Returns the part of an element. `read` calls its argument with the slot to copy from.
    pub(super) fn get(&self, path: &str, mut read: impl FnMut(&mut dyn FnMut(&[AtomicU64]))) -> Result<DynData, Error> {
        let place = Place::at(self.layout, path)?;
        limit::check(place.layout)?;
        let mut bytes = vec![0; place.layout.size()];
        let length = self.length(&mut read)?;
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
    fn length(&self, mut read: impl FnMut(&mut dyn FnMut(&[AtomicU64]))) -> Result<usize, Error> {
        let mut found = Ok(0);
        read(&mut |slot| found = self.growth.length(slot));
        found.and_then(|length| self.cell.believe(self.growth, length)).map_err(Excess::error)
    }

    /// Returns all elements. `read` calls its argument with one piece of the slot after the other, from the start to the end that the
    /// argument returns.
    pub(super) fn load(&self, read: impl FnMut(&mut CopyPieces<'_>) -> Result<(), Error>) -> Result<DynData, Error> {
        let excerpt = Excerpt::<_, u8>::new(self.cell, self.growth, usize::MAX);
        self.decode(excerpt.copy(|length| self.check_size(length), read)?.1)
    }

    fn decode(&self, bytes: Copies<u8>) -> Result<DynData, Error> {
        Elements::decode(self.layout, Vec::from(bytes.check_in::<C>(Growth::HEAD)?))
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
