//! `Presence`: shows other processes that this process exists.
//!
//! A process holds a write lock (an open-file-description lock of `fcntl(2)`) on a byte of the file whose number is made of
//! the process's random id. The lock belongs to an opening of the file that only one page of memory keeps alive. The page
//! cannot be accessed, and a forked child does not get it (`MADV_DONTFORK` of `madvise(2)`). So the lock ends when the
//! process ends or executes another program, and not before: closing descriptors does not end it, and a
//! forked child does not prolong it. The kernel ends it after it has marked the locks in the robust lists of all threads.
//!
//! Other signs would be wrong in some case: thread ids are given out again and differ between PID namespaces, a POSIX lock
//! ends when any descriptor of the file is closed, and a lock that a descriptor keeps passes on to forked children.

pub(crate) mod claims;
mod page;

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::fs::{Mode, OFlags};

use crate::sys::descriptor::above_standard;
use crate::sys::entrance;
use crate::sys::presence::page::Page;

/// The byte of process id 0, which lies behind the end of every segment. Each process has a byte of its own.
const FIRST_BYTE: libc::off_t = 1 << 62;

/// Vouches for this process as long as it is not dropped.
#[derive(Debug)]
pub(crate) struct Presence {
    #[expect(dead_code, reason = "it keeps the lock on the file")]
    page: Page,
}

impl Presence {
    /// Shows to all that have the file open that a process of this id exists.
    ///
    /// # Errors
    /// If the file cannot be opened again for writing, or another process has the id.
    pub(crate) fn new(file: BorrowedFd<'_>, id: u32) -> io::Result<Self> {
        let opened = reopen(file, OFlags::RDWR)?;
        entrance::set(opened.as_fd(), byte_of(id), libc::F_WRLCK)?;
        Page::of_this_process(&opened).map(|page| Self { page })
    }
}

/// Returns whether a process of this id has shown that it exists, and has not ended.
pub(crate) fn is_shown(file: BorrowedFd<'_>, id: u32) -> io::Result<bool> {
    // A request for reading is in the way of locks for writing only: a process that may only read the file can make no such
    // lock, and so cannot feign to be another.
    Ok(entrance::in_the_way(file, byte_of(id), libc::F_RDLCK)? != libc::F_UNLCK)
}

fn byte_of(id: u32) -> libc::off_t {
    FIRST_BYTE + libc::off_t::from(id)
}

/// Opens the file of a descriptor again. Needs no memory, because it runs under a lock that an
/// allocator may wait for.
#[expect(clippy::disallowed_methods, reason = "the descriptor moves above the standard streams at once")]
fn reopen(file: BorrowedFd<'_>, access: OFlags) -> io::Result<File> {
    let mut path = [0; 32];
    write!(&mut path[..31], "/proc/self/fd/{}", file.as_raw_fd())?;
    let path = CStr::from_bytes_until_nul(&path).map_err(io::Error::other)?;
    let flags = access | OFlags::CLOEXEC | OFlags::NONBLOCK;
    above_standard(rustix::fs::open(path, flags, Mode::empty())?)
}
