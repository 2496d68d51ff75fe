//! Copies the elements of a vector: those of one version, whose length tells their number.
#![expect(private_interfaces, reason = "the sealed trait can be neither named nor called from outside")]

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::cell::{Cell, Excerpt};
use crate::copy::Copies;
use crate::error::Error;
use crate::format::growth::TEXT;
use crate::handle::access::Access;
use crate::handle::shared::{Shared, sealed::Copied};
use crate::hold::Hold;
use crate::hold::read::{CopyPieces, Timed};
use crate::layout::{Printed, SharedValue};
use crate::schema::DynLayout;
use crate::vector::contents::Vector;
use crate::vector::items::Items;

/// How many elements `Debug` prints.
const PRINTED: usize = 100;

/// Copies the first elements, but at most this many. Returns the number of all elements too. `read` lets its second argument copy
/// from these bytes.
fn copy<I: Items>(
    cell: &Cell<Vector<I>>,
    most: usize,
    mut read: impl FnMut(Range<usize>, &mut CopyPieces<'_>),
) -> Result<(usize, Copies<I::Element>), Error> {
    let read = |copy: &mut CopyPieces<'_>| {
        read(0..cell.shape().size, copy);
        Ok(())
    };
    Excerpt::new(cell, cell.facts().growth(), most).copy(|_| Ok(()), read)
}

/// Returns all elements. `read` lets its second argument copy from these bytes.
pub(super) fn load<I: Items>(
    cell: &Cell<Vector<I>>,
    read: impl FnMut(Range<usize>, &mut CopyPieces<'_>),
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
        load(cell, |bytes, copy| A::read_pieces(cell, bytes, copy))
    }

    fn load_by(cell: &Cell<Self>, timed: Timed<'_, Self>, version: &mut Option<u64>) -> Result<I::Owned, Error> {
        let excerpt = Excerpt::new(cell, cell.facts().growth(), usize::MAX);
        let read = |copy: &mut CopyPieces<'_>| {
            *version = Some(timed.again().first_pieces(copy)?);
            Ok(())
        };
        check::<I>(cell, excerpt.copy(|_| Ok(()), read)?.1)
    }

    /// # Errors
    /// `Unsupported`: a part at a fixed place may lie behind the last element.
    fn layout(_: &Cell<Self>) -> Result<Cow<'_, DynLayout>, Error> {
        Err(Error::Unsupported {
            what: "elements of a vector come and go: read them by `get`, replace them by `set_at`",
        })
    }

    fn print<A: Access>(cell: &Cell<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::<I>(copy(cell, PRINTED, |bytes, copy| A::read_pieces(cell, bytes, copy)), formatter)
    }

    fn print_held(hold: &Hold<'_, Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::<I>(copy(hold.cell(), PRINTED, |bytes, copy| _ = copy(hold.current(), bytes)), formatter)
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
