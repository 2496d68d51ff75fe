//! Sending an open file to another process (`SCM_RIGHTS` of `unix(7)`).

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

use crate::sys::descriptor;

/// Precedes each file, so that a stream that carries other data is recognized.
const GREETING: [u8; 8] = *b"SHVALFD3";

/// The bytes that are sent with a file.
pub(crate) type Contents = [u8; 24];

/// The greeting and the contents.
type Message = [u8; GREETING.len() + size_of::<Contents>()];

const EMPTY: Message = [0; size_of::<Message>()];

/// Sends a descriptor of the file, and bytes that tell the receiver what it is.
pub(crate) fn send(file: impl AsFd, contents: &Contents, socket: &UnixStream) -> io::Result<()> {
    let mut message = EMPTY;
    message[..GREETING.len()].copy_from_slice(&GREETING);
    message[GREETING.len()..].copy_from_slice(contents);
    let descriptors = [file.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)), "there is space for one");
    // So short a message is sent whole or not at all.
    rustix::io::retry_on_intr(|| sendmsg(socket, &[IoSlice::new(&message)], &mut ancillary, SendFlags::NOSIGNAL))?;
    Ok(())
}

/// Receives a file and the bytes that `send` has sent. The file may be anything, and nothing was done with it yet.
///
/// # Errors
/// `InvalidData` if other data arrive, `UnexpectedEof` if the other side has closed the socket, `EMFILE` if the process may
/// not have another descriptor. Nothing that was received is kept then.
#[expect(clippy::disallowed_methods, reason = "the descriptor moves above the standard streams at once")]
pub(crate) fn receive(socket: &UnixStream) -> io::Result<(File, Contents)> {
    // A descriptor that does not fit is lost together with its message. So this asks first, and leaves the message in the
    // socket if there is no room.
    drop(descriptor::duplicate(socket)?);
    let mut message = EMPTY;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::io::retry_on_intr(|| {
        recvmsg(socket, &mut [IoSliceMut::new(&mut message)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)
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
