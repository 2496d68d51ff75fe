//! Claims by locks: a process shows that it has parts of a file open, by read locks on bytes behind the end of the file.
//!
//! Each part, a *unit*, has a byte. The locks belong to an opening of the file that is made for them, so that no other lock of
//! the process is mixed up with them, and that a page keeps alive. They end with the process. A process that may only read the
//! file can make them too.

use std::io;
use std::mem;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::OFlags;

use crate::sys::descriptor::Descriptor;
use crate::sys::entrance::{lock_range, range_in_the_way};
use crate::sys::presence::page::Page;
use crate::sys::presence::reopen;

/// The byte of the first unit.
const FIRST_BYTE: libc::off_t = 1 << 61;
/// More than the units of any file.
pub(crate) const MOST_UNITS: usize = 1 << 60;
/// The bytes of all units that any file has.
const ALL: libc::off_t = 1 << 60;

fn access(read_only: bool) -> OFlags {
    if read_only { OFlags::RDONLY } else { OFlags::RDWR }
}

fn byte_of(unit: usize) -> libc::off_t {
    libc::off_t::try_from(unit).map_or(FIRST_BYTE, |unit| FIRST_BYTE + unit % ALL)
}

/// An opening of a file that holds claims of this process.
#[derive(Debug)]
pub(crate) struct Claiming {
    file: Descriptor,
    /// Keeps the claims if other code closes the descriptor.
    page: Option<Page>,
}

impl Claiming {
    /// Opens the file of a descriptor for claims.
    pub(crate) fn new(file: BorrowedFd<'_>, read_only: bool) -> io::Result<Self> {
        let opened = reopen(file, access(read_only))?;
        let page = Page::of_this_process(&opened)?;
        Ok(Self { file: Descriptor::of(opened)?, page: Some(page) })
    }

    /// Makes children that are forked later keep the claims, also if other code closes the descriptor.
    pub(crate) fn keep_in_children(&self) {
        if let Some(page) = &self.page {
            page.keep_in_children();
        }
    }

    /// Forgets the page, in a forked child, which did not get it, or keeps it forever.
    pub(crate) fn leave_page(&mut self) {
        mem::forget(self.page.take());
    }

    /// Returns whether no other code of the program has closed the descriptor.
    pub(crate) fn is_usable(&self) -> bool {
        self.file.get().is_some()
    }

    fn set(&self, start: libc::off_t, length: libc::off_t, kind: libc::c_int) -> io::Result<()> {
        let file = self.file.get().ok_or(io::ErrorKind::NotFound)?;
        lock_range(file, start, length, kind)
    }

    pub(crate) fn claim(&self, unit: usize) -> io::Result<()> {
        self.set(byte_of(unit), 1, libc::F_RDLCK)
    }

    pub(crate) fn unclaim(&self, unit: usize) -> io::Result<()> {
        self.set(byte_of(unit), 1, libc::F_UNLCK)
    }

    /// Claims all units.
    pub(crate) fn claim_all(&self) -> io::Result<()> {
        self.set(FIRST_BYTE, ALL, libc::F_RDLCK)
    }

    /// Ends all claims of this opening.
    pub(crate) fn unclaim_all(&self) -> io::Result<()> {
        self.set(FIRST_BYTE, ALL, libc::F_UNLCK)
    }
}

/// Claims all units by an opening that serves another purpose too. The claim ends with the opening.
pub(crate) fn claim_all_by(file: BorrowedFd<'_>) -> io::Result<()> {
    lock_range(file, FIRST_BYTE, ALL, libc::F_RDLCK)
}

/// A claim to units that a forked child inherits. It ends when no process has it any more.
#[derive(Debug)]
pub(crate) struct Pin {
    #[expect(dead_code, reason = "it keeps the locks on the file")]
    page: Page,
    /// Until some of the claims have been ended, or none will be.
    file: Option<Descriptor>,
    is_whole: bool,
}

impl Pin {
    /// Claims all units. Needs no memory.
    pub(crate) fn new(file: BorrowedFd<'_>, read_only: bool) -> io::Result<Self> {
        let opened = reopen(file, access(read_only))?;
        lock_range(opened.as_fd(), FIRST_BYTE, ALL, libc::F_RDLCK)?;
        let page = Page::with_children(&opened)?;
        Ok(Self { page, file: Some(Descriptor::of(opened)?), is_whole: true })
    }

    /// Returns whether it still claims all units.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Gives up the descriptor, and with it the means to end some of the claims.
    pub(crate) fn stay_whole(&mut self) {
        self.file = None;
    }

    /// Ends the claims of these units, for all processes that have the pin, and gives up the descriptor. If other code of the
    /// program has closed that, or the kernel has no memory to split the lock, more units stay claimed.
    pub(crate) fn end_claims(&mut self, mut units: impl Iterator<Item = Range<usize>>) {
        let Some(file) = self.file.take() else { return };
        let Some(file) = file.get() else { return };
        let mut unlock = |units: Range<usize>| {
            self.is_whole = false;
            let length = libc::off_t::try_from(units.len()).unwrap_or(ALL);
            lock_range(file, byte_of(units.start), length, libc::F_UNLCK)
        };
        let _ = units.try_for_each(&mut unlock);
    }
}

/// Returns whether any unit is claimed by a lock, also by another opening of this process.
pub(crate) fn is_any_claimed(file: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(range_in_the_way(file, FIRST_BYTE, ALL, libc::F_WRLCK)? != libc::F_UNLCK)
}

/// Returns whether a unit is claimed by a lock, also by another opening of this process.
pub(crate) fn is_claimed(file: BorrowedFd<'_>, unit: usize) -> io::Result<bool> {
    Ok(range_in_the_way(file, byte_of(unit), 1, libc::F_WRLCK)? != libc::F_UNLCK)
}
