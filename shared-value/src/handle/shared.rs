//! `Shared`: the types of value that a handle can refer to.
#![expect(
    private_bounds,
    private_interfaces,
    reason = "the sealed traits can be neither named nor called from outside"
)]

use std::borrow::{Borrow, Cow};
use std::fmt;

use crate::cell::{Cell, Recognized};
use crate::copy;
use crate::copy::Copies;
use crate::error::Error;
use crate::format::contents::Contents;
use crate::handle::access::{self, Access};
use crate::handle::initialize::Initialize;
use crate::hold::Hold;
use crate::hold::read::{self, Timed};
use crate::layout::{Printed, SharedValue};
use crate::protocol::slots::PIECE;
use crate::schema::{DynKind, DynLayout};

/// The types of value that a [`Synchronized`](crate::Synchronized) or a [`Guard`](crate::Guard) can refer to: a
/// [`SharedValue`], a slice of them, whose length is known at run time, or a [`Dyn`](crate::Dyn), which only its segment
/// describes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared between processes",
    label = "not a `SharedValue`",
    note = "if `{Self}` is your own type, add `#[derive(SharedValue, Clone, Copy)]` and `#[repr(C)]` to it"
)]
pub trait Shared: Recognized + Initialize + sealed::Copied + 'static {}

impl<T: SharedValue> Shared for T {}
impl<E: SharedValue> Shared for [E] {}

/// How many elements of an array `Debug` prints.
const PRINTED: usize = 100;

pub(crate) mod sealed {
    use super::{Access, Borrow, Cell, Contents, Cow, DynLayout, Error, Hold, Timed, fmt};

    /// Copying the whole value.
    pub trait Copied: Contents {
        /// A copy of the value: a `T`, a `Vec`, or a `DynData`.
        type Owned: Borrow<Self::Borrowed>;

        /// The form in which closures see the copy: a `T`, a slice, or a `DynData`.
        type Borrowed: ?Sized;

        fn load<A: Access>(cell: &Cell<Self>) -> Result<Self::Owned, Error>;

        /// Copies the value as `load` does, but in this way, and sets the number of its version. `TimedOut` if the time is
        /// over before.
        fn load_by(cell: &Cell<Self>, timed: Timed<'_, Self>, version: &mut Option<u64>) -> Result<Self::Owned, Error>;

        /// Returns the layout of the value, in which paths name parts.
        fn layout(cell: &Cell<Self>) -> Result<Cow<'_, DynLayout>, Error>;

        /// Prints the value that `load` would return, even if its bits are invalid.
        fn print<A: Access>(cell: &Cell<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result;

        /// Prints the value under a hold, with the thread's own writes.
        fn print_held(hold: &Hold<'_, Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result;
    }
}

impl<T: SharedValue> sealed::Copied for T {
    type Owned = T;
    type Borrowed = T;

    fn load<A: Access>(cell: &Cell<Self>) -> Result<Self, Error> {
        access::whole::<T, A>(cell).check()
    }

    fn load_by(cell: &Cell<Self>, timed: Timed<'_, Self>, version: &mut Option<u64>) -> Result<Self, Error> {
        if const { size_of::<T>() <= PIECE } {
            let (copied, copy) = timed.small(|slot| copy::load(slot, 0))?;
            *version = Some(copied);
            return read::with_atomics(cell, copy).check();
        }
        let mut copies = Copies::<T>::zeroed(1);
        *version = Some(timed.pieces(|slot, bytes| copies.load_bytes(slot, bytes))?);
        if let Some(copy) = copies.first() {
            read::set_atomics(cell, copy);
        }
        copies.check_one().map(|value| *value)
    }

    fn layout(_: &Cell<Self>) -> Result<Cow<'_, DynLayout>, Error> {
        DynLayout::of::<T>().map(Cow::Owned)
    }

    fn print<A: Access>(cell: &Cell<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = access::whole::<T, A>(cell).to_bytes();
        fmt::Debug::fmt(&Printed { layout: T::LAYOUT, bytes: &bytes }, formatter)
    }

    fn print_held(hold: &Hold<'_, Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = read::whole_held(hold).to_bytes();
        fmt::Debug::fmt(&Printed { layout: T::LAYOUT, bytes: &bytes }, formatter)
    }
}

impl<E: SharedValue> sealed::Copied for [E] {
    type Owned = Vec<E>;
    type Borrowed = [E];

    fn load<A: Access>(cell: &Cell<Self>) -> Result<Vec<E>, Error> {
        let length = cell.length();
        read::elements::<[E], E>(0, length, |bytes, copy| A::read_pieces(cell, bytes, copy)).map(Vec::from)
    }

    fn load_by(cell: &Cell<Self>, timed: Timed<'_, Self>, version: &mut Option<u64>) -> Result<Vec<E>, Error> {
        let mut copies = Copies::<E>::zeroed(cell.length());
        *version = Some(timed.pieces(|slot, bytes| copies.load_bytes(slot, bytes))?);
        copies.check_in::<[E]>(0).map(Vec::from)
    }

    fn layout(cell: &Cell<Self>) -> Result<Cow<'_, DynLayout>, Error> {
        let (length, element) = (cell.length(), Box::new(DynLayout::of::<E>()?));
        let array = DynKind::Array { length, element };
        Ok(Cow::Owned(DynLayout::new("array", cell.shape().size, align_of::<E>(), array)))
    }

    fn print<A: Access>(cell: &Cell<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_elements::<E>(cell.length(), |copies| A::read(cell, |slot| copies.load(slot, 0)), formatter)
    }

    fn print_held(hold: &Hold<'_, Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_elements::<E>(hold.cell().length(), |copies| copies.load(hold.current(), 0), formatter)
    }
}

fn print_elements<E: SharedValue>(
    length: usize,
    load: impl FnOnce(&mut Copies<E>),
    formatter: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut copies = Copies::zeroed(length.min(PRINTED));
    load(&mut copies);
    let mut list = formatter.debug_list();
    for bytes in copies.bytes() {
        list.entry(&Printed { layout: E::LAYOUT, bytes: &bytes });
    }
    if length > PRINTED { list.finish_non_exhaustive() } else { list.finish() }
}
