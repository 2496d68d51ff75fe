//! Copies dynamic values, and parts of them, out of shared memory.
#![expect(private_interfaces, reason = "the sealed trait can be neither named nor called from outside")]

use std::borrow::Cow;
use std::fmt;

use crate::cell::Cell;
use crate::copy::{Merge, load_into, store_from};
use crate::dynamic::DynData;
use crate::dynamic::contents::Dyn;
use crate::dynamic::decode::decode;
use crate::dynamic::limit;
use crate::error::Error;
use crate::handle::access::Access;
use crate::handle::shared::{Shared, sealed::Copied};
use crate::hold::Hold;
use crate::hold::read::Timed;
use crate::protocol::atomics::{AtomicU64, Ordering};
use crate::schema::place::{Place, WordRange};
use crate::schema::primitive::put;
use crate::schema::{DynKind, DynLayout};

impl Shared for Dyn {}

impl Copied for Dyn {
    type Owned = DynData;
    type Borrowed = DynData;

    fn load<A: Access>(cell: &Cell<Self>) -> Result<DynData, Error> {
        whole(cell, |copy| A::read(cell, copy))
    }

    fn load_by(cell: &Cell<Self>, timed: Timed<'_, Self>, version: &mut Option<u64>) -> Result<DynData, Error> {
        let place = Place::of_value(&cell.facts().layout);
        // A value that is too large to be copied still has a version.
        *version = Some(cell.version());
        limit::check(place.layout)?;
        let mut bytes = vec![0; place.layout.size()];
        *version = Some(timed.pieces(|slot, piece| load_into(slot, piece.start, &mut bytes[piece]))?);
        put_atomics(place.layout, |number| cell.atomic(number).load(Ordering::Acquire), &mut bytes);
        decode(place, "", &bytes)
    }

    fn layout(cell: &Cell<Self>) -> Result<Cow<'_, DynLayout>, Error> {
        Ok(Cow::Borrowed(&cell.facts().layout))
    }

    fn print<A: Access>(cell: &Cell<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(Self::load::<A>(cell), formatter)
    }

    fn print_held(hold: &Hold<'_, Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(whole(hold.cell(), |copy| copy(hold.current())), formatter)
    }
}

/// Returns the whole value. `read` calls its argument with the slot to copy from.
fn whole(cell: &Cell<Dyn>, read: impl FnOnce(&mut dyn FnMut(&[AtomicU64]))) -> Result<DynData, Error> {
    let place = Place::of_value(&cell.facts().layout);
    limit::check(place.layout)?;
    decode(place, "", &copy(place, |number| cell.atomic(number).load(Ordering::Acquire), read))
}

pub(super) fn print(data: Result<DynData, Error>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    match data {
        Ok(data) => fmt::Display::fmt(&data, formatter),
        Err(error) => write!(formatter, "<{error}>"),
    }
}

/// Returns the bytes of a part. `read` calls its argument with the slot to copy from. `word` loads an atomic word: atomic
/// fields have words of their own outside of the slots.
pub(super) fn copy(
    place: Place<'_>,
    word: impl Fn(usize) -> u64,
    read: impl FnOnce(&mut dyn FnMut(&[AtomicU64])),
) -> Vec<u8> {
    let mut bytes = vec![0; place.layout.size()];
    if let Some(words) = place.atomic {
        put_words(&mut bytes, words, word);
        return bytes;
    }
    read(&mut |slot| load_into(slot, place.offset, &mut bytes));
    if place.is_value {
        put_atomics(place.layout, word, &mut bytes);
    }
    bytes
}

/// Stores the bytes of a part, except those that may be fields of other versions.
pub(super) fn store<M: Merge>(slot: &[AtomicU64], place: Place<'_>, bytes: &[u8]) {
    store_fields::<M>(slot, place.layout, place.offset, bytes);
}

/// Stores the bytes of a part of this layout at an offset, except those that may be fields of other versions.
pub(super) fn store_fields<M: Merge>(slot: &[AtomicU64], layout: &DynLayout, offset: usize, bytes: &[u8]) {
    match &layout.kind {
        DynKind::Newtype { inner } => store_fields::<M>(slot, inner, offset, bytes),
        DynKind::Struct { fields } if layout.has_reserved() => {
            for field in fields.iter().filter(|field| !field.layout.is_reserved()) {
                let bytes = &bytes[field.offset..][..field.layout.size()];
                store_fields::<M>(slot, &field.layout, offset + field.offset, bytes);
            }
        }
        DynKind::Array { element, .. } | DynKind::Slice { element } if element.has_reserved() => {
            for (index, bytes) in bytes.chunks_exact(element.size()).enumerate() {
                store_fields::<M>(slot, element, offset + index * element.size(), bytes);
            }
        }
        DynKind::Reserved => {}
        _ => store_from::<M>(slot, offset, bytes),
    }
}

/// Replaces the atomic fields in a copy of the whole value by their present values.
pub(super) fn put_atomics(layout: &DynLayout, word: impl Fn(usize) -> u64, bytes: &mut [u8]) {
    for (field, words) in layout.atomic_words() {
        put_words(&mut bytes[field.offset..][..field.layout.size], words, &word);
    }
}

/// Sets bytes to the values of atomic words.
pub(super) fn put_words(bytes: &mut [u8], words: WordRange, word: impl Fn(usize) -> u64) {
    let size = bytes.len() / words.count;
    for (number, bytes) in bytes.chunks_exact_mut(size).enumerate() {
        put(bytes, word(words.first + number));
    }
}
