//! Copies the elements of a vector: those of one version, whose length tells their number.
#![expect(private_interfaces, reason = "the sealed trait can be neither named nor called from outside")]

use std::ops::Range;
use std::{fmt, io};

use crate::cell::Cell;
use crate::copy::Copies;
use crate::error::Error;
use crate::format::growth::{Excess, Growth};
use crate::handle::access::Access;
use crate::handle::shared::{Shared, sealed::Copied};
use crate::hold::Hold;
use crate::hold::read::Timed;
use crate::layout::{Printed, SharedValue};
use crate::protocol::atomics::AtomicU64;
use crate::vector::contents::Vector;
use crate::vector::items::Items;

/// How many elements `Debug` prints.
const PRINTED: usize = 100;

/// Why elements cannot be copied.
pub(super) enum Fault {
    /// Their number is greater than the capacity.
    Excess(Excess),
    /// There is no memory for this number of them.
    Memory(usize),
}

impl Fault {
    #[cold]
    pub(super) fn error(self) -> Error {
        match self {
            Self::Excess(excess) => excess.error(),
            Self::Memory(length) => {
                Error::io(format!("get memory for a copy of {length} elements"), io::ErrorKind::OutOfMemory)
            }
        }
    }
}

/// Copies the elements of a slot, but at most this many.
pub(super) fn copy<E: SharedValue>(growth: Growth, slot: &[AtomicU64], most: usize) -> Result<Copies<E>, Fault> {
    let length = growth.length(slot).map_err(Fault::Excess)?.min(most);
    let mut copies = Copies::try_zeroed(length).ok_or(Fault::Memory(length))?;
    copies.load(slot, growth.end_of(0));
    Ok(copies)
}

/// Returns the elements, if their bits are valid.
pub(super) fn check<I: Items>(growth: Growth, copies: Result<Copies<I::Element>, Fault>) -> Result<I::Owned, Error> {
    let elements = copies.map_err(Fault::error)?.check_in::<Vector<I>>(growth.end_of(0))?;
    I::owned(Vec::from(elements))
}

impl<I: Items> Shared for Vector<I> {}

impl<I: Items> Copied for Vector<I> {
    type Owned = I::Owned;
    type Borrowed = I::Borrowed;

    fn load<A: Access>(cell: &Cell<Self>) -> Result<I::Owned, Error> {
        let growth = cell.facts().growth();
        check::<I>(growth, A::read(cell, |slot| copy(growth, slot, usize::MAX)))
    }

    fn load_by(cell: &Cell<Self>, timed: Timed<'_, Self>, version: &mut Option<u64>) -> Result<I::Owned, Error> {
        let growth = cell.facts().growth();
        // The copy that the last attempt has begun at the start of the slot.
        let mut copies = Err(Fault::Memory(0));
        let copy_piece = |slot: &[AtomicU64], piece: Range<usize>| {
            if piece.start == 0 {
                copies = growth.length(slot).map_err(Fault::Excess).and_then(|length| {
                    let copies = Copies::<I::Element>::try_zeroed(length).ok_or(Fault::Memory(length))?;
                    Ok((copies, growth.end_of(length)))
                });
            }
            let Ok((copies, end)) = &mut copies else { return 0 };
            let piece = piece.start.max(growth.end_of(0))..piece.end.min(*end);
            if !piece.is_empty() {
                copies.load_bytes_from(slot, growth.end_of(0), piece);
            }
            *end
        };
        *version = Some(timed.first_pieces(copy_piece)?);
        check::<I>(growth, copies.map(|(copies, _)| copies))
    }

    fn print<A: Access>(cell: &Cell<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let growth = cell.facts().growth();
        print::<I>(A::read(cell, |slot| first(growth, slot)), formatter)
    }

    fn print_held(hold: &Hold<'_, Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (growth, slot) = (hold.cell().facts().growth(), hold.current());
        print::<I>(first(growth, slot), formatter)
    }
}

/// Copies the first elements of a slot, and returns how many there are in all.
fn first<E: SharedValue>(growth: Growth, slot: &[AtomicU64]) -> Result<(usize, Copies<E>), Fault> {
    Ok((growth.length(slot).map_err(Fault::Excess)?, copy(growth, slot, PRINTED)?))
}

/// Prints the first elements of a number of them.
fn print<I: Items>(
    first: Result<(usize, Copies<I::Element>), Fault>,
    formatter: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let (length, copies) = match first {
        Ok(first) => first,
        Err(fault) => return write!(formatter, "<{}>", fault.error()),
    };
    if I::NAME == "SharedString" {
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
