//! Locks on bytes of a file.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Locks bytes of a file by one of the commands of `fcntl(2)`, from `start` on; a `length` of 0 means all bytes.
///
/// # Errors
/// The error of `fcntl`, also if another lock is in the way.
///
/// # Panics
/// If `kind` is not a kind of lock.
pub fn lock_bytes(
    file: &File,
    command: libc::c_int,
    kind: libc::c_int,
    start: libc::off_t,
    length: libc::off_t,
) -> io::Result<()> {
    let lock = libc::flock {
        l_type: libc::c_short::try_from(kind).expect("a small number"),
        l_whence: libc::c_short::try_from(libc::SEEK_SET).expect("a small number"),
        l_start: start,
        l_len: length,
        l_pid: 0,
    };
    // SAFETY: the descriptor is open, and the kernel only reads `lock`, which is a `flock`.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw const lock) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
