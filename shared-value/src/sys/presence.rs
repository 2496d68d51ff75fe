//! `Presence`: shows other processes that this process exists.
//!
//! A process holds a write lock (an open-file-description lock of `fcntl(2)`) on a byte of the file whose number is made of
//! the process's random id. The lock belongs to an opening of the file that only one page of memory keeps alive. The page
//! cannot be accessed, and a forked child does not get it (`MADV_DONTFORK` of `madvise(2)`). So the lock ends when the
//! process ends or executes another program, in whatever way, and not before: closing descriptors does not end it, and a
//! forked child does not prolong it. The kernel ends it after it has marked the locks in the robust lists of all threads.
//!
//! Other signs would be wrong in some case: thread ids are given out again and differ between PID namespaces, a POSIX lock
//! ends when any descriptor of the file is closed, and a lock that a descriptor keeps passes on to forked children.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_void};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::{process, ptr};

use rustix::fs::{Mode, OFlags};
use rustix::mm::{Advice, MapFlags, ProtFlags};

use crate::sys::descriptor::above_standard;
use crate::sys::entrance;

/// The byte of process id 0, which lies behind the end of every segment. Each process has a byte of its own.
const FIRST_BYTE: libc::off_t = 1 << 62;
const PAGE: usize = 4096;

/// Vouches for this process as long as it is not dropped.
#[derive(Debug)]
pub(crate) struct Presence {
    page: *mut c_void,
    /// The kernel's id of the process that has the page. A forked child has a copy of this struct, but not the page.
    owner: u32,
}

// SAFETY: the page belongs to the process, and no thread accesses it.
unsafe impl Send for Presence {}

impl Presence {
    /// Shows to all that have the file open that a process of this id exists.
    ///
    /// # Errors
    /// If the file cannot be opened again for writing, or another process has the id.
    pub(crate) fn new(file: BorrowedFd<'_>, id: u32) -> io::Result<Self> {
        let opened = reopen(file)?;
        entrance::set(opened.as_fd(), byte_of(id), libc::F_WRLCK)?;
        // SAFETY: the kernel chooses the address, so that no other memory is replaced. The page cannot be accessed.
        let page =
            unsafe { rustix::mm::mmap(ptr::null_mut(), PAGE, ProtFlags::empty(), MapFlags::SHARED, &opened, 0) }?;
        let presence = Self { page, owner: process::id() };
        // SAFETY: the page was just mapped, and nothing relies on its being there in forked children.
        unsafe { rustix::mm::madvise(page, PAGE, Advice::LinuxDontFork) }?;
        Ok(presence)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if process::id() == self.owner {
            // SAFETY: `new` has mapped the page in this process, and nothing else has unmapped it. This fails only for a
            // range that is no range of pages.
            let _ = unsafe { rustix::mm::munmap(self.page, PAGE) };
        }
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

/// Opens the file of a descriptor again, for reading and writing. Needs no memory, because it runs under a lock that an
/// allocator may wait for.
#[expect(clippy::disallowed_methods, reason = "the descriptor moves above the standard streams at once")]
fn reopen(file: BorrowedFd<'_>) -> io::Result<File> {
    let mut path = [0; 32];
    write!(&mut path[..31], "/proc/self/fd/{}", file.as_raw_fd())?;
    let path = CStr::from_bytes_until_nul(&path).map_err(io::Error::other)?;
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK;
    above_standard(rustix::fs::open(path, flags, Mode::empty())?)
}
