//! Copies the elements of a vector: those of one version, whose length tells their number.
#![expect(private_interfaces, reason = "the sealed trait can be neither named nor called from outside")]

use std::borrow::Cow;
use std::ops::Range;
use std::{fmt, io};

use crate::cell::Cell;
use crate::copy::Copies;
use crate::error::Error;
use crate::format::growth::{Excess, Growth, TEXT};
use crate::handle::access::Access;
use crate::handle::shared::{Shared, sealed::Copied};
use crate::hold::Hold;
use crate::hold::read::Timed;
use crate::layout::{Printed, SharedValue};
use crate::protocol::atomics::AtomicU64;
use crate::schema::DynLayout;
use crate::vector::contents::Vector;
use crate::vector::items::Items;

/// How many elements `Debug` prints.
const PRINTED: usize = 100;

/// A private copy of the first elements, which is made in several reads. A read may hold the lock, so memory is allocated only
/// between the reads.
struct Draft<E> {
    growth: Growth,
    /// The greatest number of elements to be copied.
    most: usize,
    /// Room for elements. After the last read, it holds the elements and no more room.
    copies: Copies<E>,
    /// The number of elements that the last read has found.
    found: Result<usize, Excess>,
    is_first: bool,
}

impl<E: SharedValue> Draft<E> {
    fn new(growth: Growth, most: usize) -> Self {
        Self { growth, most, copies: Copies::zeroed(0), found: Ok(0), is_first: true }
    }

    /// Looks how many elements a slot has. Returns where those end that are to be copied; `None` if there is no room for them.
    fn begin(&mut self, slot: &[AtomicU64]) -> Option<usize> {
        self.found = self.growth.length(slot);
        let end = self.growth.end_of(self.found.ok()?.min(self.most));
        if end > size_of_val(slot) {
            // A private copy of a slot has no elements that there is no memory for.
            self.found = self.found.and_then(|length| Err(Excess::without_memory(length)));
            return None;
        }
        (end <= self.growth.end_of(self.copies.len())).then_some(end)
    }

    /// Copies a part of a slot.
    fn load(&mut self, slot: &[AtomicU64], part: Range<usize>) {
        if !part.is_empty() {
            self.copies.load_bytes_from(slot, self.growth.end_of(0), part);
        }
    }

    /// Ends a read. Returns the number of all elements if the first ones are copied now. Otherwise makes room for the next read.
    fn end<I: Items>(&mut self, cell: &Cell<Vector<I>>) -> Result<Option<usize>, Error> {
        let length = self.found.map_err(Excess::error)?;
        let copied = length.min(self.most);
        if copied <= self.copies.len() {
            self.copies.truncate(copied);
            return Ok(Some(length));
        }
        cell.believe(self.growth, copied).map_err(Excess::error)?;
        // If it grows while it is copied, there must be room for more some time.
        let more = if self.is_first { 0 } else { copied / 4 };
        self.is_first = false;
        let room = copied.saturating_add(more).min(self.growth.capacity());
        self.copies = Copies::try_zeroed(room).ok_or_else(|| {
            Error::io(format!("get memory for a copy of {copied} elements"), io::ErrorKind::OutOfMemory)
        })?;
        Ok(None)
    }
}

/// Copies the first elements, but at most this many. Returns the number of all elements too. `read` calls its argument with the slot
/// to copy from.
fn copy<I: Items>(
    cell: &Cell<Vector<I>>,
    most: usize,
    mut read: impl FnMut(&mut dyn FnMut(&[AtomicU64])),
) -> Result<(usize, Copies<I::Element>), Error> {
    let growth = cell.facts().growth();
    let mut draft = Draft::new(growth, most);
    loop {
        read(&mut |slot| {
            if let Some(end) = draft.begin(slot) {
                draft.load(slot, growth.end_of(0)..end);
            }
        });
        if let Some(length) = draft.end(cell)? {
            return Ok((length, draft.copies));
        }
    }
}

/// Returns all elements. `read` calls its argument with the slot to copy from.
pub(super) fn load<I: Items>(
    cell: &Cell<Vector<I>>,
    read: impl FnMut(&mut dyn FnMut(&[AtomicU64])),
) -> Result<I::Owned, Error> {
    check::<I>(cell, copy(cell, usize::MAX, read)?.1)
}

/// Returns the elements, if their bits are valid.
fn check<I: Items>(cell: &Cell<Vector<I>>, copies: Copies<I::Element>) -> Result<I::Owned, Error> {
    let elements = copies.check_in::<Vector<I>>(cell.facts().growth().end_of(0))?;
    I::owned(Vec::from(elements))
}

impl<I: Items> Shared for Vector<I> {}

impl<I: Items> Copied for Vector<I> {
    type Owned = I::Owned;
    type Borrowed = I::Borrowed;

    fn load<A: Access>(cell: &Cell<Self>) -> Result<I::Owned, Error> {
        load(cell, |copy| A::read(cell, copy))
    }

    fn load_by(cell: &Cell<Self>, timed: Timed<'_, Self>, version: &mut Option<u64>) -> Result<I::Owned, Error> {
        let growth = cell.facts().growth();
        let mut draft = Draft::new(growth, usize::MAX);
        loop {
            let mut all = None;
            let copy_piece = |slot: &[AtomicU64], piece: Range<usize>| {
                if piece.start == 0 {
                    all = draft.begin(slot);
                }
                let Some(end) = all else { return 0 };
                draft.load(slot, piece.start.max(growth.end_of(0))..piece.end.min(end));
                end
            };
            *version = Some(timed.again().first_pieces(copy_piece)?);
            if draft.end(cell)?.is_some() {
                return check::<I>(cell, draft.copies);
            }
        }
    }

    /// # Errors
    /// `Unsupported`: a part at a fixed place may lie behind the last element.
    fn layout(_: &Cell<Self>) -> Result<Cow<'_, DynLayout>, Error> {
        Err(Error::Unsupported {
            what: "elements of a vector come and go: read them by `get`, replace them by `set_at`",
        })
    }

    fn print<A: Access>(cell: &Cell<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::<I>(copy(cell, PRINTED, |copy| A::read(cell, copy)), formatter)
    }

    fn print_held(hold: &Hold<'_, Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::<I>(copy(hold.cell(), PRINTED, |copy| copy(hold.current())), formatter)
    }
}

/// Prints the first elements of a number of them.
fn print<I: Items>(
    first: Result<(usize, Copies<I::Element>), Error>,
    formatter: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let (length, copies) = match first {
        Ok(first) => first,
        Err(error) => return write!(formatter, "<{error}>"),
    };
    if I::NAME == TEXT {
        let bytes: Vec<u8> = copies.bytes().flatten().collect();
        fmt::Debug::fmt(&String::from_utf8_lossy(&bytes), formatter)?;
        return if length > PRINTED { formatter.write_str("..") } else { Ok(()) };
    }
    let mut list = formatter.debug_list();
    for bytes in copies.bytes() {
        list.entry(&Printed { layout: I::Element::LAYOUT, bytes: &bytes });
    }
    if length > PRINTED { list.finish_non_exhaustive() } else { list.finish() }
}
