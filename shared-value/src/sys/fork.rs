//! Hooks that run around `fork` (`pthread_atfork(3)`).
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::io;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sys::copies;

/// Calls the functions before every `fork` of this process, and after it in the parent and in the child.
///
/// They run in the thread that forks. A `fork` that bypasses the C library does not call them.
pub(crate) fn register(
    prepare: unsafe extern "C" fn(),
    parent: unsafe extern "C" fn(),
    child: unsafe extern "C" fn(),
) -> io::Result<()> {
    copies::stay_loaded()?;
    // SAFETY: the C library calls these functions at any later `fork`, and `stay_loaded` keeps them loaded.
    let result = unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
    if result == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(result)) }
}

/// How many forks lie between this process and the program's first one.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// Counts a fork, in the child.
pub(crate) fn count_generation() {
    GENERATION.fetch_add(1, Relaxed);
}

/// A process, among those that have its memory by forks. The kernel's id does not tell them apart: the first process of a PID
/// namespace has the number 1, and so has its child that is the first one of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    generation: u32,
    /// For a `fork` that bypasses the C library, which counts nothing.
    id: u32,
}

impl Process {
    /// Returns this process.
    pub(crate) fn current() -> Self {
        Self { generation: GENERATION.load(Relaxed), id: process::id() }
    }
}

/// A mutex that the hooks lock across a `fork`. Otherwise the child could find it locked by a thread that does not exist
/// there.
///
/// The guard is not kept in a thread-local: the first access of a thread to a thread-local of a plugin allocates memory. At
/// that moment, the hooks of an allocator may have locked the allocator already.
pub(crate) struct ForkMutex<T: 'static> {
    mutex: Mutex<T>,
    /// Used only by a thread that has locked the mutex.
    across: UnsafeCell<Option<MutexGuard<'static, T>>>,
}

// SAFETY: the mutex may be shared if `T` may be sent. A thread uses `across` only while it has locked the mutex, and takes
// out only the guard that it has put in itself: after a `fork`, the thread of the child continues that of the parent.
unsafe impl<T: Send> Sync for ForkMutex<T> {}

impl<T> ForkMutex<T> {
    pub(crate) const fn new(contents: T) -> Self {
        Self { mutex: Mutex::new(contents), across: UnsafeCell::new(None) }
    }

    /// Locks the mutex.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the mutex, until the calling thread calls `after_fork`.
    pub(crate) fn before_fork(&'static self) {
        self.before_fork_with(|_| ());
    }

    /// Locks the mutex, until the calling thread calls `after_fork`, and lets the closure use the contents at once.
    pub(crate) fn before_fork_with(&'static self, work: impl FnOnce(&mut T)) {
        let mut guard = self.lock();
        work(&mut guard);
        // SAFETY: this thread has locked the mutex. So the place is empty, and no other thread uses it.
        unsafe { self.across.get().write(Some(guard)) };
    }

    /// Returns the guard that the last `before_fork` has kept.
    ///
    /// # Safety
    /// The calling thread has called `before_fork`, and since then not this function; or it is the copy of such a thread in
    /// a forked child.
    pub(crate) unsafe fn after_fork(&self) -> Option<MutexGuard<'static, T>> {
        // SAFETY: the caller promises that its thread has locked the mutex, so no other thread uses the place.
        unsafe { self.across.get().replace(None) }
    }
}
