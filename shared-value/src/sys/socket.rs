//! Sending an open file to another process (`SCM_RIGHTS` of `unix(7)`).

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

use crate::lock::interruption;
use crate::sys::descriptor;
use crate::sys::thread::Interrupted;

/// Precedes each file, so that a stream that carries other data is recognized.
const GREETING: [u8; 8] = *b"SHVALFD3";

/// The bytes that are sent with a file.
pub(crate) type Contents = [u8; 24];

/// The greeting and the contents.
type Message = [u8; GREETING.len() + size_of::<Contents>()];

const EMPTY: Message = [0; size_of::<Message>()];

/// Sends a descriptor of the file, and bytes that tell the receiver what it is.
///
/// # Errors
/// `WouldBlock` if there is no room, on a socket that does not block or after its timeout; `Interrupted` if the wait for room
/// must end.
pub(crate) fn send(file: impl AsFd, contents: &Contents, socket: &UnixStream) -> io::Result<()> {
    let mut message = EMPTY;
    message[..GREETING.len()].copy_from_slice(&GREETING);
    message[GREETING.len()..].copy_from_slice(contents);
    let descriptors = [file.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)), "there is space for one");
    // So short a message is sent whole or not at all.
    patiently(socket, PollFlags::OUT, UnixStream::write_timeout, || {
        sendmsg(socket, &[IoSlice::new(&message)], &mut ancillary, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)
    })?;
    Ok(())
}

/// Receives a file and the bytes that `send` has sent. The file may be anything, and nothing was done with it yet.
///
/// # Errors
/// `InvalidData` if other data arrive, `UnexpectedEof` if the other side has closed the socket, `EMFILE` if the process may
/// not have another descriptor. Nothing that was received is kept then. `WouldBlock` and `Interrupted` as for `send`.
#[expect(clippy::disallowed_methods, reason = "the descriptor moves above the standard streams at once")]
pub(crate) fn receive(socket: &UnixStream) -> io::Result<(File, Contents)> {
    // A descriptor that does not fit is lost together with its message. So this asks first, and leaves the message in the
    // socket if there is no room.
    drop(descriptor::duplicate(socket)?);
    let mut message = EMPTY;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = patiently(socket, PollFlags::IN, UnixStream::read_timeout, || {
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        recvmsg(socket, &mut [IoSliceMut::new(&mut message)], &mut ancillary, flags)
    })?;
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

/// Makes a call that does not wait, and repeats it when the socket is ready. It gives up after the timeout of the socket, and if
/// the wait of this thread must end.
fn patiently<R>(
    socket: &UnixStream,
    event: PollFlags,
    timeout: impl FnOnce(&UnixStream) -> io::Result<Option<Duration>>,
    mut call: impl FnMut() -> rustix::io::Result<R>,
) -> io::Result<R> {
    let mut attempt = || match rustix::io::retry_on_intr(&mut call) {
        Err(Errno::AGAIN) => Ok(None),
        result => result.map(Some),
    };
    if let Some(result) = attempt()? {
        return Ok(result);
    }
    if fcntl_getfl(socket)?.contains(OFlags::NONBLOCK) {
        return Err(Errno::AGAIN.into());
    }
    let end = timeout(socket)?.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let rest = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        interruption::sleep(rest, |rest| sleep(socket, event, rest));
        if let Some(result) = attempt()? {
            return Ok(result);
        }
        if interruption::take() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if rest.is_zero() {
            return Err(Errno::AGAIN.into());
        }
    }
}

/// Sleeps until the socket is ready, for at most `timeout`. After an error of the call, the caller's next attempt fails too.
fn sleep(socket: &UnixStream, event: PollFlags, timeout: Duration) -> Result<(), Interrupted> {
    let timeout = Timespec::try_from(timeout).ok();
    match poll(&mut [PollFd::new(socket, event)], timeout.as_ref()) {
        Err(Errno::INTR) => Err(Interrupted),
        _ => Ok(()),
    }
}
