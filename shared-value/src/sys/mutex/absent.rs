//! Stands in for pthread mutexes in a build without the feature `pthread`. A `Mutex` cannot exist there.
#![allow(unsafe_code)]

use std::io;
use std::ptr::NonNull;
use std::time::Duration;

use crate::sys::mutex::Outcome;

/// A mutex in shared memory, which this build cannot have.
#[derive(Debug)]
pub(crate) enum Mutex {}

/// Does nothing: a build without mutexes looks up no functions for them.
pub(crate) fn set_up() {}

/// Fails.
///
/// # Safety
/// None is needed here; with the feature `pthread`, this function writes to the memory.
pub(crate) unsafe fn initialize(_: NonNull<u8>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Mutex {
    /// Fails.
    ///
    /// # Safety
    /// None is needed here; with the feature `pthread`, this function returns a mutex that uses the memory.
    pub(crate) unsafe fn attach(_: NonNull<u8>) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn try_lock(&self) -> Outcome {
        match *self {}
    }

    pub(crate) fn lock_within(&self, _: Duration) -> Outcome {
        match *self {}
    }

    pub(crate) fn unlock(&self) -> Result<(), ()> {
        match *self {}
    }

    pub(crate) fn owner(&self) -> Option<u32> {
        match *self {}
    }
}
