//! Copies dynamic values, and parts of them, out of shared memory.
#![expect(private_interfaces, reason = "the sealed trait can be neither named nor called from outside")]

use std::fmt;

use crate::cell::Cell;
use crate::copy::load_into;
use crate::dynamic::DynData;
use crate::dynamic::contents::Dyn;
use crate::dynamic::decode::decode;
use crate::dynamic::limit;
use crate::error::Error;
use crate::handle::access::Access;
use crate::handle::shared::{Shared, sealed::Copied};
use crate::hold::{Hold, read};
use crate::protocol::atomics::{AtomicU64, Ordering};
use crate::schema::place::{Place, WordRange};
use crate::schema::primitive::put;

impl Shared for Dyn {}

impl Copied for Dyn {
    type Owned = DynData;
    type Borrowed = DynData;

    fn load<A: Access>(cell: &Cell<Self>) -> Result<DynData, Error> {
        whole(cell, |copy| A::read(cell, copy))
    }

    fn load_versioned(cell: &Cell<Self>) -> (u64, Result<DynData, Error>) {
        let mut version = None;
        let data = whole(cell, |copy| version = Some(read::versioned(cell, copy).0));
        // A value that is too large to be copied still has a version.
        (version.unwrap_or_else(|| cell.version()), data)
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
    let put_words = |bytes: &mut [u8], words: WordRange| {
        let size = bytes.len() / words.count;
        for (number, bytes) in bytes.chunks_exact_mut(size).enumerate() {
            put(bytes, word(words.first + number));
        }
    };
    if let Some(words) = place.atomic {
        put_words(&mut bytes, words);
        return bytes;
    }
    read(&mut |slot| load_into(slot, place.offset, &mut bytes));
    if place.is_value {
        for (field, words) in place.layout.atomic_words() {
            put_words(&mut bytes[field.offset..][..field.layout.size], words);
        }
    }
    bytes
}
