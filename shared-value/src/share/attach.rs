//! `Attach`: how each kind of access comes by a cell, given an open file.

use std::fs::File;

use crate::arena::{ArenaValues, Directory, ValueId, adopt};
use crate::cell::{Cell, Guarding, Recognized};
use crate::error::Error;
use crate::format::contents::{Typed, Untyped};
use crate::handle::access::{Access, ReadOnly, ReadWrite, Unlocked};
use crate::handle::synchronized::Synchronized;
use crate::lock::LockKind;
use crate::segment::Place;

/// Access by which a file can be attached to.
pub(crate) trait Attach: Access {
    /// Whether a descriptor for reading is enough.
    const READ_ONLY: bool;

    /// What a value is guarded by if nothing else is said.
    fn guarding() -> Guarding;

    fn attach<C: Recognized + ?Sized>(file: File, place: Place, guarding: &Guarding) -> Result<Cell<C>, Error> {
        Cell::of_file(file, place, guarding)
    }

    fn open<C: Recognized + ?Sized>(place: &Place, guarding: &Guarding) -> Result<Cell<C>, Error> {
        Cell::open_and(place, guarding, adopt)
    }

    /// The value that goes by this number in its segment: zero for the one that the header names, or else the id in an arena.
    fn attach_to<C: Handed + ?Sized>(
        file: File,
        place: Place,
        guarding: &Guarding,
        number: u64,
    ) -> Result<Cell<C>, Error>
    where
        Self: Sized,
    {
        if number == 0 {
            Self::attach(file, place, guarding)
        } else {
            C::within(Self::attach(file, place, guarding)?, number)
        }
    }

    /// The same, opened at its place.
    fn open_at<C: Handed + ?Sized>(place: &Place, guarding: &Guarding, number: u64) -> Result<Cell<C>, Error>
    where
        Self: Sized,
    {
        if number == 0 { Self::open(place, guarding) } else { C::within(Self::open(place, guarding)?, number) }
    }
}

/// What can be handed over: the value of a segment, or one of an arena.
pub(crate) trait Handed: Recognized {
    /// The value of an arena, whose directory keeps the segment open.
    fn within(directory: Cell<Directory>, number: u64) -> Result<Cell<Self>, Error>;
}

impl<C: Typed + ?Sized> Handed for C {
    fn within(directory: Cell<Directory>, number: u64) -> Result<Cell<Self>, Error> {
        values_of(directory).cell_at(ValueId::from_bits(number))
    }
}

impl Handed for Untyped {
    fn within(directory: Cell<Directory>, number: u64) -> Result<Cell<Self>, Error> {
        values_of(directory).untyped_at(ValueId::from_bits(number))
    }
}

fn values_of(directory: Cell<Directory>) -> ArenaValues<ReadOnly> {
    ArenaValues::of(Synchronized::of(directory))
}

impl Attach for ReadWrite {
    const READ_ONLY: bool = false;

    fn guarding() -> Guarding {
        Guarding::Own(LockKind::Native)
    }
}

impl Attach for ReadOnly {
    const READ_ONLY: bool = true;

    /// Of no meaning: readers take no lock.
    fn guarding() -> Guarding {
        Guarding::None
    }

    fn attach<C: Recognized + ?Sized>(file: File, place: Place, _: &Guarding) -> Result<Cell<C>, Error> {
        Cell::of_file_read_only(file, place)
    }

    fn open<C: Recognized + ?Sized>(place: &Place, _: &Guarding) -> Result<Cell<C>, Error> {
        Cell::open_read_only(place)
    }
}

impl Attach for Unlocked {
    const READ_ONLY: bool = false;

    fn guarding() -> Guarding {
        Guarding::None
    }
}
