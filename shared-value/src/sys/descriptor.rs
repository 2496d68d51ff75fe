//! Descriptors that are known by number: inherited from the program that started this one.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Returns another descriptor of the open file that has this number, with the close-on-exec flag.
///
/// # Errors
/// `EBADF` if no open file has this number.
pub(crate) fn duplicate(number: RawFd) -> io::Result<File> {
    const LOWEST: libc::c_int = 3;
    // SAFETY: the call takes numbers only, and checks them.
    let new = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, LOWEST) };
    if new < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new, so it has no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(new) }.into())
}

/// Makes `exec` close the descriptor of this number.
pub(crate) fn close_on_exec(number: RawFd) -> io::Result<()> {
    // SAFETY: the call takes numbers only, and checks them.
    let result = unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
