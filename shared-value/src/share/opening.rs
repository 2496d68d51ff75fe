//! `Opening`: how a value is opened.

use std::fs::File;

use crate::cell::{Cell, Guarding, Recognized};
use crate::error::Error;
use crate::heap::{BlockId, Directory, adopt, allocated, cell_at};
use crate::lock::LockKind;
use crate::segment::Location;

/// How a value is opened.
#[derive(Clone, Debug)]
pub(crate) enum Opening {
    /// For reading and writing, if the value is guarded in this way.
    ReadWrite(Guarding),
    /// For reading. The value may be guarded in any way: readers take no lock.
    ReadOnly,
}

impl Opening {
    pub(super) fn is_read_only(&self) -> bool {
        matches!(self, Self::ReadOnly)
    }

    pub(super) fn open<C: Recognized + ?Sized>(&self, location: &Location<'_>) -> Result<Cell<C>, Error> {
        loop {
            let cell: Cell<C> = self.open_file(self.file_at(location)?, location)?;
            // Another process may have replaced the value since its file was opened.
            if !(cell.is_replaced() && cell.segment().has_left(location)) {
                return Ok(cell);
            }
        }
    }

    fn file_at(&self, location: &Location<'_>) -> Result<File, Error> {
        if self.is_read_only() { location.open_file_read_only() } else { location.open_file() }
    }

    /// Opens the value in the file at a location.
    fn open_file<C: Recognized + ?Sized>(&self, file: File, location: &Location<'_>) -> Result<Cell<C>, Error> {
        match self {
            Self::ReadWrite(guarding) => Cell::open(file, location, guarding, adopt),
            Self::ReadOnly => Cell::of_file_read_only(file, location.to_static(), allocated),
        }
    }

    fn attach<C: Recognized + ?Sized>(&self, file: File, location: Location<'static>) -> Result<Cell<C>, Error> {
        match self {
            Self::ReadWrite(guarding) => Cell::of_file(file, location, guarding),
            Self::ReadOnly => Cell::of_file_read_only(file, location, allocated),
        }
    }

    /// Returns how to open the arena that the value lies in.
    fn of_arena(&self) -> Self {
        match self {
            Self::ReadWrite(_) => Self::ReadWrite(Guarding::Own(LockKind::Native)),
            Self::ReadOnly => Self::ReadOnly,
        }
    }

    /// Opens the value with this number in an arena.
    fn within<C: Recognized + ?Sized>(&self, arena: &Cell<Directory>, number: u64) -> Result<Cell<C>, Error> {
        let cell: Cell<C> = cell_at(arena.shared_segment(), BlockId::from_bits(number))?;
        if matches!(self, Self::ReadWrite(Guarding::OwnOnce(_))) && cell.is_recursive() {
            let what = "the lock of this value of an arena is recursive: open it without `non_recursive`";
            return Err(Error::Unsupported { what });
        }
        Ok(cell)
    }

    /// Opens the value with this number in the file at a location: zero is the value that the header names, any other number
    /// the id of a value in an arena.
    pub(super) fn open_number<C: Recognized + ?Sized>(
        &self,
        file: File,
        location: &Location<'_>,
        number: u64,
    ) -> Result<Cell<C>, Error> {
        if number == 0 {
            return self.open_file(file, location);
        }
        self.within(&self.of_arena().open_file(file, location)?, number)
    }

    /// Opens the value with this number in a file that another process has handed over.
    pub(super) fn attach_number<C: Recognized + ?Sized>(
        &self,
        file: File,
        location: Location<'static>,
        number: u64,
    ) -> Result<Cell<C>, Error> {
        if number == 0 {
            return self.attach(file, location);
        }
        self.within(&self.of_arena().attach(file, location)?, number)
    }
}
