//! Handing a value to the process at the other end of a Unix socket, of any user and in any container.

use std::os::unix::net::UnixStream;

use crate::cell::{Cell, Recognized};
use crate::error::Error;
use crate::segment::{Location, Mapping};
use crate::share::opening::Opening;
use crate::sys;

/// Sends the value with this number in a segment.
pub(crate) fn send_to(mapping: &Mapping, number: u64, socket: &UnixStream) -> Result<(), Error> {
    mapping
        .file()
        .and_then(|file| sys::socket::send(file, number, socket))
        .map_err(|error| Error::io("send a value", error))
}

/// Opens the next value that the other end sends.
pub(super) fn open<C: Recognized + ?Sized>(socket: &UnixStream, opening: &Opening) -> Result<Cell<C>, Error> {
    let (file, number) = sys::socket::receive(socket).map_err(|error| Error::io("receive a value", error))?;
    opening.attach_number(file, Location::handed_over("(received)".to_owned()), number)
}
