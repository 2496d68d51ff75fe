//! Copies dynamic values, and parts of them, out of shared memory.
#![expect(private_interfaces, reason = "the sealed trait can be neither named nor called from outside")]

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::cell::Cell;
use crate::copy::{Merge, load_into, store_from};
use crate::dynamic::DynData;
use crate::dynamic::contents::Dyn;
use crate::dynamic::decode::decode;
use crate::dynamic::limit;
use crate::dynamic::vector::DynVector;
use crate::error::Error;
use crate::format::contents::Contents;
use crate::handle::access::Access;
use crate::handle::shared::{Shared, sealed::Copied};
use crate::hold::Hold;
use crate::hold::read::{self, CopyPieces, Timed};
use crate::layout::{value_bits, zero_extended};
use crate::protocol::atomics::{AtomicU64, Ordering};
use crate::schema::place::{Place, WordRange};
use crate::schema::primitive::put;
use crate::schema::{DynKind, DynLayout};

impl Shared for Dyn {}

impl Copied for Dyn {
    type Owned = DynData;
    type Borrowed = DynData;

    fn load<A: Access>(cell: &Cell<Self>) -> Result<DynData, Error> {
        whole(cell, |bytes, copy| A::read_pieces(cell, bytes, copy))
    }

    fn load_by(cell: &Cell<Self>, timed: Timed<'_, Self>, version: &mut Option<u64>) -> Result<DynData, Error> {
        if let Some(vector) = DynVector::of(cell) {
            return vector.load(|copy| {
                *version = Some(timed.again().first_pieces(copy)?);
                Ok(())
            });
        }
        let place = Place::of_value(&cell.facts().layout);
        // A value that is too large to be copied still has a version.
        *version = Some(cell.version());
        limit::check(place.layout)?;
        let mut bytes = vec![0; place.layout.size()];
        *version = Some(timed.pieces(|slot, piece| load_into(slot, piece.start, &mut bytes[piece]))?);
        put_outside(place.layout, &Outside(cell), &mut bytes);
        decode(place, "", &bytes)
    }

    fn layout(cell: &Cell<Self>) -> Result<Cow<'_, DynLayout>, Error> {
        cell.facts().expect_fixed()?;
        Ok(Cow::Borrowed(&cell.facts().layout))
    }

    fn print<A: Access>(cell: &Cell<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(Self::load::<A>(cell), formatter)
    }

    fn print_held(hold: &Hold<'_, Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(whole(hold.cell(), |bytes, copy| _ = copy(hold.current(), bytes)), formatter)
    }
}

/// Returns the whole value. `read` lets its second argument copy from these bytes.
fn whole(cell: &Cell<Dyn>, mut read: impl FnMut(Range<usize>, &mut CopyPieces<'_>)) -> Result<DynData, Error> {
    if let Some(vector) = DynVector::of(cell) {
        return vector.load(|copy| {
            read(0..cell.shape().size, copy);
            Ok(())
        });
    }
    let place = Place::of_value(&cell.facts().layout);
    limit::check(place.layout)?;
    decode(place, "", &copy(place, &Outside(cell), read))
}

pub(super) fn print(data: Result<DynData, Error>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    match data {
        Ok(data) => fmt::Display::fmt(&data, formatter),
        Err(error) => write!(formatter, "<{error}>"),
    }
}

/// The words of a value that lie outside of its slots.
pub(super) trait Words {
    /// Loads an atomic word.
    fn atomic(&self, number: usize) -> u64;

    /// Returns the total of a counter, whose baseline lies at this offset of the slot and was read before.
    fn total(&self, number: usize, offset: usize, baseline: u64) -> u64;
}

/// The words of a cell.
pub(super) struct Outside<'c, C: Contents + ?Sized>(pub(super) &'c Cell<C>);

impl<C: Contents + ?Sized> Words for Outside<'_, C> {
    fn atomic(&self, number: usize) -> u64 {
        self.0.atomic(number).load(Ordering::Acquire)
    }

    fn total(&self, number: usize, offset: usize, baseline: u64) -> u64 {
        read::total(self.0, number, offset, baseline)
    }
}

/// One atomic word that was loaded before.
pub(super) struct Loaded(pub(super) u64);

impl Words for Loaded {
    fn atomic(&self, _: usize) -> u64 {
        self.0
    }

    fn total(&self, _: usize, _: usize, baseline: u64) -> u64 {
        baseline
    }
}

/// Returns the bytes of a part. `read` lets its second argument copy these bytes.
pub(super) fn copy(
    place: Place<'_>,
    words: &impl Words,
    read: impl FnOnce(Range<usize>, &mut CopyPieces<'_>),
) -> Vec<u8> {
    let mut bytes = vec![0; place.layout.size()];
    if let Some(range) = place.atomic {
        put_atomic(&mut bytes, range, words);
        return bytes;
    }
    load(place.offset, &mut bytes, read);
    if let Some(range) = place.counters {
        put_totals(&mut bytes, range, place.offset, words);
    }
    if place.is_value {
        put_outside(place.layout, words, &mut bytes);
    }
    bytes
}

/// Fills a buffer from an offset on. `read` lets its second argument copy these bytes.
pub(super) fn load(offset: usize, to: &mut [u8], read: impl FnOnce(Range<usize>, &mut CopyPieces<'_>)) {
    let end = offset + to.len();
    read(offset..end, &mut |slot, bytes| {
        load_into(slot, bytes.start, &mut to[bytes.start - offset..bytes.end - offset]);
        end
    });
}

/// Stores the bytes of a part, except those that may be fields of other versions.
pub(super) fn store<M: Merge>(slot: &[AtomicU64], place: Place<'_>, bytes: &[u8]) {
    store_fields::<M>(slot, place.layout, place.offset, bytes);
}

/// Stores the bytes of a part of this layout at an offset, except baselines, and those that may be fields of other versions.
pub(super) fn store_fields<M: Merge>(slot: &[AtomicU64], layout: &DynLayout, offset: usize, bytes: &[u8]) {
    match &layout.kind {
        DynKind::Newtype { inner } => store_fields::<M>(slot, inner, offset, bytes),
        DynKind::Struct { fields } if layout.has_reserved() => {
            for field in fields.iter().filter(|field| !field.layout.is_reserved() && !field.is_counter) {
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

/// Replaces the atomic fields in a copy of the whole value by their present values, and the baselines of counters by their totals.
pub(super) fn put_outside(layout: &DynLayout, words: &impl Words, bytes: &mut [u8]) {
    for (field, range) in layout.atomic_words() {
        put_atomic(&mut bytes[field.offset..][..field.layout.size], range, words);
    }
    for (field, range) in layout.counters() {
        put_totals(&mut bytes[field.offset..][..field.layout.size], range, field.offset, words);
    }
}

/// Sets bytes to the values of atomic words.
pub(super) fn put_atomic(bytes: &mut [u8], range: WordRange, words: &impl Words) {
    let size = bytes.len() / range.count;
    for (number, bytes) in bytes.chunks_exact_mut(size).enumerate() {
        put(bytes, value_bits(words.atomic(range.first + number), size));
    }
}

/// Replaces the baselines of counters by their totals. The first baseline lies at this offset of the slot.
pub(super) fn put_totals(bytes: &mut [u8], range: WordRange, offset: usize, words: &impl Words) {
    for (number, bytes) in bytes.chunks_exact_mut(size_of::<u64>()).enumerate() {
        let offset = offset + number * size_of::<u64>();
        put(bytes, words.total(range.first + number, offset, zero_extended(bytes)));
    }
}
