//! Handing a value to the process at the other end of a Unix socket, of any user and in any container.

use std::io;
use std::os::unix::net::UnixStream;

use bytemuck::{Pod, Zeroable};

use crate::cell::{Cell, Recognized};
use crate::error::Error;
use crate::format::SegmentId;
use crate::segment::{Location, Mapping, id_of};
use crate::share::opening::Opening;
use crate::sys;

/// Sends the value with this number in a segment.
pub(crate) fn send_to(mapping: &Mapping, number: u64, socket: &UnixStream) -> Result<(), Error> {
    let contents = bytemuck::cast(Passed { id: mapping.id(), number });
    mapping
        .file()
        .and_then(|file| sys::socket::send(file, &contents, socket))
        .map_err(|error| failed("send a value", "room in a socket", error))
}

/// Opens the next value that the other end sends.
pub(super) fn open<C: Recognized + ?Sized>(socket: &UnixStream, opening: &Opening) -> Result<Cell<C>, Error> {
    let failed = |error| failed("receive a value", "a value on a socket", error);
    let (file, contents) = sys::socket::receive(socket).map_err(failed)?;
    let Passed { id, number } = bytemuck::cast(contents);
    // This comes first: the other end may send any file, and a lock or a wait could affect a file that is no segment.
    let other = |found: String| {
        let text = format!("expected the segment of identity {id}, found another file: {found}");
        failed(io::Error::new(io::ErrorKind::InvalidData, text))
    };
    let found = id_of(&file).map_err(|error| other(error.to_string()))?;
    if found != id {
        return Err(other(format!("a segment of identity {found}")));
    }
    opening.attach_number(file, Location::handed_over("(received)".to_owned()), number)
}

fn failed(action: &str, awaited: &str, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::Interrupted {
        return Error::Interrupted { awaited: awaited.to_owned() };
    }
    Error::io(action, error)
}

/// The contents of the message.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Passed {
    id: SegmentId,
    /// The number of the value in its segment.
    number: u64,
}
