//! `Region`: shared memory without anything in it, for the locks of others.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process;
use std::sync::atomic::{AtomicU32, AtomicU64};

use anyhow::{Context, Result, ensure};
use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::handover::Handover;

/// Shared memory, all zeros when it is made, which its processes access in whatever way they agree on.
#[derive(Debug)]
pub struct Region {
    file: File,
    map: MmapRaw,
}

impl Region {
    /// Makes some memory.
    ///
    /// # Errors
    /// If there is none.
    pub fn new(length: usize) -> Result<Self> {
        let file = File::from(memfd_create("benches", MemfdFlags::CLOEXEC).context("memfd_create")?);
        file.set_len(length.next_multiple_of(4_096) as u64)?;
        Self::of(file)
    }

    fn of(file: File) -> Result<Self> {
        let map = MmapOptions::new().map_raw(&file).context("mmap")?;
        Ok(Self { file, map })
    }

    /// Where a `T` at an offset lies.
    ///
    /// # Panics
    /// If it does not lie in the region.
    pub fn at<T>(&self, offset: usize) -> *mut T {
        assert!(offset + size_of::<T>() <= self.map.len() && offset.is_multiple_of(align_of::<T>()));
        self.map.as_mut_ptr().wrapping_add(offset).cast()
    }

    /// The word at an offset.
    pub fn word(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: it lies in the mapping, which lives as long as `self`, and any bits are an atomic word.
        unsafe { &*self.at(offset) }
    }

    /// The half word at an offset.
    pub fn half_word(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: as above.
        unsafe { &*self.at(offset) }
    }
}

impl Handover for Region {
    fn token(&self) -> Result<String> {
        Ok(format!("/proc/{}/fd/{}", process::id(), self.file.as_raw_fd()))
    }

    fn attach(token: &str) -> Result<Self> {
        let file = File::options().read(true).write(true).open(token).context("open the memory of another process")?;
        ensure!(file.metadata()?.len() > 0, "{token} is empty");
        Self::of(file)
    }
}
