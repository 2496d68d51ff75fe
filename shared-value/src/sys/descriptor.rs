//! Descriptors: numbers for open files, which this library shares with the rest of the program.
//!
//! Other code of the program may take a number for its own: it prints to number 1 although that was closed, or closes all
//! numbers and opens a log. So no descriptor of this library has the number of a standard stream, and one that is kept is
//! used and closed only while it is still the file that it was.
#![allow(unsafe_code)]

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::fs::{self, OFlags};
use rustix::io::{Errno, FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};

/// The lowest number that belongs to no standard stream.
const LOWEST: RawFd = 3;

/// Device and inode: equal for all openings of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl Identity {
    pub(crate) fn of(file: impl AsFd) -> io::Result<Self> {
        let facts = fs::fstat(file)?;
        Ok(Self { device: facts.st_dev, inode: facts.st_ino })
    }

    pub(crate) fn of_metadata(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// Moves a new descriptor above the standard streams. Every descriptor that this library gets passes through here.
///
/// # Errors
/// `EMFILE` if the process may not have another descriptor.
pub(crate) fn above_standard(descriptor: OwnedFd) -> io::Result<File> {
    if descriptor.as_raw_fd() >= LOWEST { Ok(descriptor.into()) } else { duplicate(&descriptor) }
}

/// Returns another descriptor of an open file, with the close-on-exec flag.
///
/// # Errors
/// `EMFILE` if the process may not have another descriptor.
pub(crate) fn duplicate(descriptor: impl AsFd) -> io::Result<File> {
    match fcntl_dupfd_cloexec(descriptor, LOWEST) {
        // The kernel says so if the limit is not above the lowest number.
        Err(Errno::INVAL) => Err(Errno::MFILE.into()),
        duplicated => Ok(duplicated?.into()),
    }
}

/// Returns another descriptor of the open file that has this number, with the close-on-exec flag: for numbers that were
/// inherited from the program that started this one.
///
/// # Errors
/// `EBADF` if no open file has this number; `EMFILE` if the process may not have another descriptor.
pub(crate) fn duplicate_number(number: RawFd) -> io::Result<File> {
    if number < 0 {
        return Err(Errno::BADF.into());
    }
    // SAFETY: the number is not -1, and it is borrowed during the next call only, which checks it.
    let inherited = unsafe { BorrowedFd::borrow_raw(number) };
    duplicate(inherited)
}

/// Makes `exec` close the descriptor of this number.
pub(crate) fn close_on_exec(number: RawFd) -> io::Result<()> {
    // SAFETY: the call takes numbers only, and checks them.
    let result = unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Returns whether the error says that the process, or the system, has no descriptor left.
pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

/// A descriptor that is kept. Dropping this closes the descriptor, unless its number belongs to another file by now.
#[derive(Debug)]
pub(crate) struct Descriptor {
    number: AtomicI32,
    identity: Identity,
    /// Whether the file was opened for reading, for writing, or for both.
    access: OFlags,
}

impl Descriptor {
    pub(crate) fn of(file: File) -> io::Result<Self> {
        let identity = Identity::of(&file)?;
        Self::of_known(file, identity)
    }

    /// Keeps the descriptor of a file whose identity is known.
    pub(crate) fn of_known(file: File, identity: Identity) -> io::Result<Self> {
        let access = access(&file)?;
        Ok(Self { number: AtomicI32::new(file.into_raw_fd()), identity, access })
    }

    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    /// Returns whether the file was opened for reading only.
    pub(crate) fn is_read_only(&self) -> bool {
        self.access == OFlags::RDONLY
    }

    /// Returns the descriptor; `None` if other code of this program has closed it.
    pub(crate) fn get(&self) -> Option<BorrowedFd<'_>> {
        // Relaxed: the number is all that threads share, and the kernel orders the calls that use it.
        let number = self.number.load(Ordering::Relaxed);
        // SAFETY: a `RawFd` from `into_raw_fd` is not -1. This library does not close it while `self` is borrowed. Other
        // code of the program may close it: then the number leads to another file or to none, which the next line finds.
        let file = unsafe { BorrowedFd::borrow_raw(number) };
        self.is_unchanged(file).then_some(file)
    }

    /// Returns whether the number still leads to the same file, opened in the same way.
    fn is_unchanged(&self, file: BorrowedFd<'_>) -> bool {
        Identity::of(file).is_ok_and(|found| found == self.identity)
            && access(file).is_ok_and(|found| found == self.access)
    }

    /// Replaces a descriptor that `get` did not find by another opening of the file. If another thread has done so
    /// meanwhile, keeps that one.
    pub(crate) fn replace(&self, lost: RawFd, file: File) -> io::Result<BorrowedFd<'_>> {
        if self.is_unchanged(file.as_fd()) {
            let number = file.as_raw_fd();
            if self.number.compare_exchange(lost, number, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                // `self` owns it from here on.
                let _ = file.into_raw_fd();
            }
        }
        self.get().ok_or_else(|| Errno::BADF.into())
    }

    /// Returns the number, whatever it leads to.
    pub(crate) fn number(&self) -> RawFd {
        self.number.load(Ordering::Relaxed)
    }

    /// Lets the program that the command will start inherit the descriptor.
    ///
    /// The close-on-exec flag is cleared in the child alone, so children that other threads start do not inherit it.
    pub(crate) fn pass_to(self, command: &mut Command) {
        let keep = move || match self.get() {
            Some(file) => Ok(fcntl_setfd(file, FdFlags::empty())?),
            None => Err(Errno::BADF.into()),
        };
        // SAFETY: in the child, the closure makes system calls on its own descriptor. It neither allocates nor locks: all of
        // these errors are numbers.
        unsafe { command.pre_exec(keep) };
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if self.get().is_some() {
            // SAFETY: the number leads to the file that this struct opened, so it is this struct's own; this is the last use.
            drop(unsafe { OwnedFd::from_raw_fd(self.number()) });
        }
    }
}

fn access(file: impl AsFd) -> io::Result<OFlags> {
    Ok(fs::fcntl_getfl(file)? & OFlags::RWMODE)
}
