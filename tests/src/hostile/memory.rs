//! `Memory`: another mapping of the segment's file, as another process has one.
#![allow(unsafe_code)]

use std::fs::File;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

const PAGE: usize = 4096;

/// Another mapping of the segment's file, besides the mapping of the library under test.
#[derive(Debug)]
pub(crate) struct Memory {
    start: NonNull<u8>,
    /// Whole pages, because bytes behind the end of the file are mapped too; 0 for an empty file.
    length: usize,
}

// SAFETY: all accesses are atomic.
unsafe impl Send for Memory {}
// SAFETY: all accesses are atomic.
unsafe impl Sync for Memory {}

impl Memory {
    /// Maps a file of `length` bytes.
    pub(crate) fn of(file: &File, length: usize) -> Self {
        let length = length.next_multiple_of(PAGE);
        // SAFETY: the kernel chooses a free address.
        let start = unsafe {
            mmap(ptr::null_mut(), length.max(PAGE), ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, file, 0)
        };
        let start = NonNull::new(start.expect("a file can be mapped")).expect("not at zero").cast();
        Self { start, length }
    }

    pub(crate) fn byte(&self, offset: usize) -> &AtomicU8 {
        // SAFETY: a byte is always aligned.
        unsafe { AtomicU8::from_ptr(self.at(offset, 1)) }
    }

    pub(crate) fn half(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: `at` has checked that four bytes are mapped there, and aligned.
        unsafe { AtomicU32::from_ptr(self.at(offset, 4).cast()) }
    }

    pub(crate) fn word(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: `at` has checked that eight bytes are mapped there, and aligned.
        unsafe { AtomicU64::from_ptr(self.at(offset, 8).cast()) }
    }

    /// Copies all pages.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        (0..self.length).step_by(8).flat_map(|offset| self.word(offset).load(Relaxed).to_ne_bytes()).collect()
    }

    fn at(&self, offset: usize, size: usize) -> *mut u8 {
        assert!(offset.is_multiple_of(size) && offset + size <= self.length, "{size} bytes at {offset}");
        self.start.as_ptr().wrapping_add(offset)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: no reference to the pages outlives `self`.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.length.max(PAGE)) };
        unmapped.expect("the pages were mapped");
    }
}
