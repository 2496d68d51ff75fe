//! Sending an open file to another process (`SCM_RIGHTS` of `unix(7)`).

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

use crate::sys::descriptor;
use crate::sys::thread::Interrupted;

/// Precedes each file, so that a stream that carries other data is recognized.
const GREETING: [u8; 8] = *b"SHVALFD3";

/// The bytes that are sent with a file.
pub(crate) type Contents = [u8; 24];

/// The greeting and the contents.
type Message = [u8; GREETING.len() + size_of::<Contents>()];

const EMPTY: Message = [0; size_of::<Message>()];

/// Sends a descriptor of the file, and bytes that tell the receiver what it is. It does not wait.
///
/// # Errors
/// `WouldBlock` if there is no room.
pub(crate) fn send(file: impl AsFd, contents: &Contents, socket: &UnixStream) -> io::Result<()> {
    let mut message = EMPTY;
    message[..GREETING.len()].copy_from_slice(&GREETING);
    message[GREETING.len()..].copy_from_slice(contents);
    let descriptors = [file.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)), "there is space for one");
    // So short a message is sent whole or not at all.
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    rustix::io::retry_on_intr(|| sendmsg(socket, &[IoSlice::new(&message)], &mut ancillary, flags))?;
    Ok(())
}

/// Receives a file and the bytes that `send` has sent. The file may be anything, and nothing was done with it yet. It does not wait.
///
/// # Errors
/// `InvalidData` if other data arrive, `UnexpectedEof` if the other side has closed the socket, `EMFILE` if the process may
/// not have another descriptor. Nothing that was received is kept then. `WouldBlock` if nothing has arrived.
#[expect(clippy::disallowed_methods, reason = "the descriptor moves above the standard streams at once")]
pub(crate) fn receive(socket: &UnixStream) -> io::Result<(File, Contents)> {
    // A descriptor that does not fit is lost together with its message. So this asks first, and leaves the message in the
    // socket if there is no room.
    drop(descriptor::duplicate(socket)?);
    let mut message = EMPTY;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let received =
        rustix::io::retry_on_intr(|| recvmsg(socket, &mut [IoSliceMut::new(&mut message)], &mut ancillary, flags))?;
    let descriptors: Vec<OwnedFd> = ancillary
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .collect();
    if received.bytes == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the other side has closed the socket"));
    }
    let is_greeting = received.bytes == message.len() && message.starts_with(&GREETING);
    match <[OwnedFd; 1]>::try_from(descriptors) {
        Ok([descriptor]) if is_greeting => {
            let contents = message[GREETING.len()..].try_into().expect("the rest of the message");
            Ok((descriptor::above_standard(descriptor)?, contents))
        }
        Err(none) if is_greeting && none.is_empty() && received.flags.contains(ReturnFlags::CTRUNC) => {
            Err(io::Error::other(
                "the descriptor was lost on its way: another thread has opened the last file that this process may open, \
                 or a security module forbids the file; send the value again",
            ))
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "expected a shared value, found other data on the socket")),
    }
}

/// What a wait for a socket waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Readiness {
    /// A message, or the end of the other side.
    Message,
    /// Room for a message.
    Room,
}

/// Returns for how long calls on the socket may wait: `None` if they must not, and `Duration::MAX` without a limit.
pub(crate) fn patience(socket: &UnixStream, readiness: Readiness) -> io::Result<Option<Duration>> {
    if fcntl_getfl(socket)?.contains(OFlags::NONBLOCK) {
        return Ok(None);
    }
    let timeout = match readiness {
        Readiness::Message => socket.read_timeout(),
        Readiness::Room => socket.write_timeout(),
    }?;
    Ok(Some(timeout.unwrap_or(Duration::MAX)))
}

/// Sleeps until the socket is ready, for at most `timeout`.
pub(crate) fn sleep(socket: &UnixStream, readiness: Readiness, timeout: Duration) -> Result<(), Interrupted> {
    let event = match readiness {
        Readiness::Message => PollFlags::IN,
        Readiness::Room => PollFlags::OUT,
    };
    match poll(&mut [PollFd::new(socket, event)], Timespec::try_from(timeout).ok().as_ref()) {
        Err(Errno::INTR) => Err(Interrupted),
        // If the kernel had no memory for the call, the caller looks again at once.
        _ => Ok(()),
    }
}
