//! Handing a value to the process at the other end of a Unix socket, of any user and in any container.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use bytemuck::{Pod, Zeroable};

use crate::cell::{Cell, Recognized};
use crate::error::Error;
use crate::format::SegmentId;
use crate::lock::interruption;
use crate::segment::{Location, Mapping, id_of};
use crate::share::opening::Opening;
use crate::sys;
use crate::sys::socket::Readiness;

/// Sends the value with this number in a segment.
pub(crate) fn send_to(mapping: &Mapping, number: u64, socket: &UnixStream) -> Result<(), Error> {
    let contents = bytemuck::cast(Passed { id: mapping.id(), number });
    mapping
        .file()
        .and_then(|file| patiently(socket, Readiness::Room, || sys::socket::send(file, &contents, socket)))
        .map_err(|error| failed("send a value", "room in a socket", error))
}

/// Opens the next value that the other end sends.
pub(super) fn open<C: Recognized + ?Sized>(socket: &UnixStream, opening: &Opening) -> Result<Cell<C>, Error> {
    let failed = |error| failed("receive a value", "a value on a socket", error);
    let received = patiently(socket, Readiness::Message, || sys::socket::receive(socket));
    let (file, contents) = received.map_err(failed)?;
    let Passed { id, number } = bytemuck::cast(contents);
    // This comes first: the other end may send any file, and a lock or a wait could affect a file that is not a segment.
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

/// Makes a call that does not wait, and repeats it when the socket is ready. Ends after the timeout of the socket, and if the wait of
/// this thread must end.
///
/// # Errors
/// The error of the last call; `Interrupted` if the wait must end.
fn patiently<R>(socket: &UnixStream, readiness: Readiness, mut call: impl FnMut() -> io::Result<R>) -> io::Result<R> {
    let is_early = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
    let mut result = call();
    if !result.as_ref().is_err_and(is_early) {
        return result;
    }
    let Some(patience) = sys::socket::patience(socket, readiness)? else { return result };
    let end = Instant::now().checked_add(patience);
    loop {
        let rest = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        interruption::sleep(rest, |rest| sys::socket::sleep(socket, readiness, rest));
        result = call();
        if rest.is_zero() || !result.as_ref().is_err_and(is_early) {
            return result;
        }
        if interruption::take() {
            return Err(io::ErrorKind::Interrupted.into());
        }
    }
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
