//! `Page`: a page of memory that keeps an opening of a file alive, with its locks.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fs::File;
use std::{io, ptr};

use rustix::mm::{Advice, MapFlags, ProtFlags};

use crate::sys::fork::Process;

const SIZE: usize = 4096;

/// A page that cannot be accessed. As long as a process has it mapped, the opening keeps its locks, also when all of its
/// descriptors are closed.
#[derive(Debug)]
pub(crate) struct Page {
    address: *mut c_void,
    /// The only process that has the page; `None` if forked children have it too.
    owner: Option<Process>,
}

// SAFETY: the page belongs to the process, and no thread accesses it.
unsafe impl Send for Page {}

impl Page {
    /// Maps a page that forked children do not get (`MADV_DONTFORK` of `madvise(2)`).
    pub(super) fn of_this_process(opened: &File) -> io::Result<Self> {
        let mut page = Self::with_children(opened)?;
        // SAFETY: the page was just mapped, and nothing relies on its being there in forked children.
        unsafe { rustix::mm::madvise(page.address, SIZE, Advice::LinuxDontFork) }?;
        page.owner = Some(Process::current());
        Ok(page)
    }

    /// Lets children that are forked later have the page.
    pub(super) fn keep_in_children(&self) {
        // SAFETY: the page is mapped as long as `self` lives, and it cannot be accessed. This fails only for a range that is no
        // range of pages.
        let _ = unsafe { rustix::mm::madvise(self.address, SIZE, Advice::LinuxDoFork) };
    }

    /// Maps a page that forked children get too.
    pub(super) fn with_children(opened: &File) -> io::Result<Self> {
        // SAFETY: the kernel chooses the address, so that no other memory is replaced. The page cannot be accessed.
        let address =
            unsafe { rustix::mm::mmap(ptr::null_mut(), SIZE, ProtFlags::empty(), MapFlags::SHARED, opened, 0) }?;
        Ok(Self { address, owner: None })
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // In a forked child that did not get the page, other memory may have taken its place.
        if self.owner.is_none_or(|owner| owner == Process::current()) {
            // SAFETY: a constructor has mapped the page, in this process or in one that this was forked from with the page,
            // and nothing else has unmapped it. This fails only for a range that is not a range of pages.
            let _ = unsafe { rustix::mm::munmap(self.address, SIZE) };
        }
    }
}
