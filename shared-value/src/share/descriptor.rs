//! Descriptors of segments, for programs that hand them over by means of their own.

use std::os::fd::{AsRawFd, BorrowedFd};

use crate::cell::{Cell, Recognized};
use crate::error::Error;
use crate::segment::{Location, Mapping};
use crate::share::opening::Opening;
use crate::sys;

/// Returns the descriptor of a segment.
pub(crate) fn descriptor_of(mapping: &Mapping) -> Result<BorrowedFd<'_>, Error> {
    mapping.file().map_err(|error| Error::io(format!("use the descriptor of `{}`", mapping.name()), error))
}

/// Opens the value that the header of a descriptor's file names.
///
/// A file without a name is in use by the process that the descriptor came from, or by this one, and is adopted by none. A file
/// with a name may have been left by a process that died, and whether it was is told by locks of its openings. The descriptor
/// may share the opening of a process that uses the file, whose locks would not be in the way of this process. So the file is
/// opened anew.
pub(super) fn open<C: Recognized + ?Sized>(descriptor: BorrowedFd<'_>, opening: &Opening) -> Result<Cell<C>, Error> {
    let name = format!("(descriptor {})", descriptor.as_raw_fd());
    let failed = |error| Error::io(format!("open {name}"), error);
    let file = sys::descriptor::duplicate(descriptor).map_err(failed)?;
    let location = Location::handed_over(name.clone());
    let is_file = file.metadata().map_err(failed)?.is_file();
    if !is_file || sys::file::links(&file).map_err(failed)? == 0 {
        // If it is something else than a file, this says so.
        return opening.attach_number(file, location, 0);
    }
    let reopen = if opening.is_read_only() { sys::file::reopen_read_only } else { sys::file::reopen };
    opening.open_number(reopen(&file).map_err(failed)?, &location, 0)
}
