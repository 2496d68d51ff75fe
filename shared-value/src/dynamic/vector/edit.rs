//! Changes of a vector, of which only the segment knows the elements.

use std::ops::Range;

use crate::accessors::host::{Root, Writer};
use crate::copy::load_into;
use crate::copy::{Alone, store_from};
use crate::dynamic::DynData;
use crate::dynamic::contents::Dynamic;
use crate::dynamic::copy::store;
use crate::dynamic::decode::decode;
use crate::dynamic::encode::encode;
use crate::dynamic::limit;
use crate::dynamic::vector::encode::Elements;
use crate::dynamic::vector::{DynVector, no_such_element};
use crate::error::Error;
use crate::hold::Hold;
use crate::schema::place::Place;

/// A change: the data for the closure of a program, and the bytes to be written.
struct Draft {
    data: DynData,
    bytes: Vec<u8>,
    /// Where the bytes lie in a slot.
    range: Range<usize>,
}

impl<C: Dynamic + ?Sized> DynVector<'_, C> {
    /// Replaces all elements, or the part of one.
    pub(in crate::dynamic) fn set<H: Root<Contents = C> + Writer>(
        &self,
        host: &H,
        path: &str,
        data: &DynData,
    ) -> Result<(), Error> {
        if path.is_empty() {
            let bytes = Elements::encode(self.layout, data)?;
            return host.update_held(
                |_| Ok(()),
                |hold, ()| self.make_room(hold, 0, &bytes).map(drop),
                |hold, ()| self.replace(hold, &bytes),
            );
        }
        let place = self.place(path)?;
        let bytes = encode(place, path, data)?;
        host.update_held(
            |hold| self.expect(hold, place, path),
            |_, ()| Ok(()),
            |hold, ()| {
                hold.change(&(place.offset..place.offset + bytes.len()), |slot| store::<Alone>(slot, place, &bytes));
            },
        )
    }

    /// Lets the closure change all elements, or the part of one.
    pub(in crate::dynamic) fn update<H: Root<Contents = C> + Writer, R>(
        &self,
        host: &H,
        path: &str,
        change: impl FnOnce(&mut DynData) -> R,
    ) -> Result<R, Error> {
        if path.is_empty() {
            return host.update_held(
                |hold| {
                    let bytes = 0..self.cell.shape().size;
                    let data = self.load(|copy| {
                        copy(hold.current(), bytes.clone());
                        Ok(())
                    })?;
                    Ok(Draft { data, bytes: Vec::new(), range: 0..0 })
                },
                |hold, draft| {
                    let result = change(&mut draft.data);
                    draft.bytes = Elements::encode(self.layout, &draft.data)?;
                    self.make_room(hold, 0, &draft.bytes)?;
                    Ok(result)
                },
                |hold, draft| self.replace(hold, &draft.bytes),
            );
        }
        let place = self.place(path)?;
        host.update_held(
            |hold| {
                self.expect(hold, place, path)?;
                let mut bytes = vec![0; place.layout.size()];
                load_into(hold.current(), place.offset, &mut bytes);
                let range = place.offset..place.offset + bytes.len();
                Ok(Draft { data: decode(place, path, &bytes)?, bytes, range })
            },
            |_, draft| {
                let result = change(&mut draft.data);
                draft.bytes = encode(place, path, &draft.data)?;
                Ok(result)
            },
            |hold, draft| hold.change(&draft.range, |slot| store::<Alone>(slot, place, &draft.bytes)),
        )
    }

    /// Adds elements, which are given as bytes, at the end.
    pub(super) fn extend<H: Root<Contents = C> + Writer>(&self, host: &H, bytes: &[u8]) -> Result<(), Error> {
        host.update_held(
            |hold| hold.length(self.growth),
            |hold, length| self.make_room(hold, *length, bytes).map(drop),
            |hold, length| {
                if !bytes.is_empty() {
                    let start = self.growth.end_of(*length);
                    hold.change(&(start..start + bytes.len()), |slot| store_from::<Alone>(slot, start, bytes));
                    hold.set_length(length + self.count(bytes));
                }
            },
        )
    }

    /// Keeps at most this many elements.
    pub(super) fn truncate<H: Root<Contents = C> + Writer>(&self, host: &H, most: usize) -> Result<(), Error> {
        host.update_held(
            |hold| hold.length(self.growth),
            |hold, length| if most < *length { self.expect_end(hold, most) } else { Ok(()) },
            |hold, length| {
                if most < *length {
                    hold.set_length(most);
                }
            },
        )
    }

    /// Checks that the first elements are a whole value: a text must not end in the middle of a character.
    fn expect_end(&self, hold: &Hold<'_, C>, length: usize) -> Result<(), Error> {
        let mut next = [0];
        if Elements::of(self.layout) == Elements::Text {
            load_into(hold.current(), self.growth.end_of(length), &mut next);
        }
        let is_within_character = next[0] & 0b1100_0000 == 0b1000_0000;
        if !is_within_character {
            return Ok(());
        }
        Err(Error::WrongData {
            field: self.layout.type_text(),
            expected: "a length at which a character ends".to_owned(),
            found: format!("{length} bytes, in the middle of a character"),
        })
    }

    /// Checks that single elements can be changed: a byte of a text is not text.
    pub(super) fn expect_elements(&self) -> Result<(), Error> {
        let what = "a text is changed as a whole, by `set`, `update` and `extend`: a single byte is not text";
        if Elements::of(self.layout) == Elements::Text { Err(Error::Unsupported { what }) } else { Ok(()) }
    }

    /// Returns how many elements these bytes are.
    fn count(&self, bytes: &[u8]) -> usize {
        bytes.len() / self.element.size.max(1)
    }

    /// Makes sure that there is memory for elements from an index on.
    fn make_room(&self, hold: &Hold<'_, C>, index: usize, bytes: &[u8]) -> Result<Range<usize>, Error> {
        hold.make_room(self.room, index, self.count(bytes))
    }

    /// Replaces all elements, for which there is room. Reserved bytes become zeros: they may be fields of elements that were here
    /// before.
    fn replace(&self, hold: &Hold<'_, C>, bytes: &[u8]) {
        if !bytes.is_empty() {
            let start = self.growth.end_of(0);
            hold.change(&(start..start + bytes.len()), |slot| store_from::<Alone>(slot, start, bytes));
        }
        hold.set_length(self.count(bytes));
    }

    /// Returns the place of a part of an element, for a change.
    fn place<'p>(&'p self, path: &str) -> Result<Place<'p>, Error> {
        self.expect_elements()?;
        let place = Place::at(self.layout, path)?;
        limit::check(place.layout)?;
        Ok(place)
    }

    /// Checks that the element of a part exists.
    fn expect(&self, hold: &Hold<'_, C>, place: Place<'_>, path: &str) -> Result<(), Error> {
        let length = hold.length(self.growth)?;
        if place.offset < self.growth.end_of(length) { Ok(()) } else { Err(no_such_element(path, length)) }
    }
}
