//! `Region`: plain shared memory, for the locks of other libraries.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process;
use std::sync::atomic::{AtomicU32, AtomicU64};

use anyhow::{Context, Result, ensure};
use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::subjects::handover::Handover;

/// Plain shared memory, which is all zeros at first. The processes that use it agree on its contents.
#[derive(Debug)]
pub struct Region {
    file: File,
    map: MmapRaw,
}

impl Region {
    /// Creates a region of at least this many bytes.
    ///
    /// # Errors
    /// If there is no memory.
    pub fn new(length: usize) -> Result<Self> {
        let file = File::from(memfd_create("benches", MemfdFlags::CLOEXEC).context("memfd_create")?);
        file.set_len(length.next_multiple_of(4_096) as u64)?;
        Self::of(file)
    }

    fn of(file: File) -> Result<Self> {
        let map = MmapOptions::new().map_raw(&file).context("mmap")?;
        Ok(Self { file, map })
    }

    /// Returns a pointer to a `T` at an offset.
    ///
    /// # Panics
    /// If the `T` is out of bounds or not aligned.
    pub fn at<T>(&self, offset: usize) -> *mut T {
        assert!(offset + size_of::<T>() <= self.map.len() && offset.is_multiple_of(align_of::<T>()));
        self.map.as_mut_ptr().wrapping_add(offset).cast()
    }

    /// Returns the word at an offset.
    ///
    /// # Panics
    /// If the word is out of bounds or not aligned.
    pub fn word(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: `at` has checked that the pointer is aligned and that 8 bytes from it lie in the mapping, which lives as
        // long as `self`. All bits are a valid `AtomicU64`. Other processes may write it, but it is an `UnsafeCell`, and every
        // access of this word is atomic.
        unsafe { &*self.at(offset) }
    }

    /// Returns the half word at an offset.
    ///
    /// # Panics
    /// If the half word is out of bounds or not aligned.
    pub fn half_word(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: `at` has checked that the pointer is aligned and that 4 bytes from it lie in the mapping, which lives as
        // long as `self`. All bits are a valid `AtomicU32`. Other processes may write it, but it is an `UnsafeCell`, and every
        // access of this half word is atomic.
        unsafe { &*self.at(offset) }
    }
}

impl Handover for Region {
    fn token(&self) -> Result<String> {
        Ok(format!("/proc/{}/fd/{}", process::id(), self.file.as_raw_fd()))
    }

    fn attach(token: &str) -> Result<Self> {
        let file = File::options().read(true).write(true).open(token).context("open the memory of another process")?;
        ensure!(file.metadata()?.len() > 0, "the memory of {token} is empty");
        Self::of(file)
    }
}
