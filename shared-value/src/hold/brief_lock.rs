//! `BriefLock`: how one function takes and releases the lock of a cell, for a thread that holds no lock before.
#![allow(unsafe_code)]

use crate::cell::{Cell, drafts};
use crate::format::contents::Contents;
use crate::hold::patience::Patience;
use crate::lock::{self, Acquired, LockLine, Mark, Overwritten, Refusal, Thread, only, pthread};
use crate::protocol::slots::Versions;
use crate::sys::mutex::Mutex;

/// A lock that guards a cell, as one function takes it.
pub(crate) trait BriefLock: Copy {
    /// Takes the lock for code that neither takes a lock, nor ends the thread, nor asks which locks the thread holds.
    ///
    /// # Safety
    /// - `thread` is the calling thread and holds no lock.
    /// - `self` and `line` belong to one cell, which stays mapped until the lock is released.
    unsafe fn acquire(self, line: &LockLine, thread: Thread, patience: impl Patience) -> Result<Acquired, Refusal>;

    /// Undoes an `acquire`. Returns `true` if a thread may wait for the lock or for a commit of the value.
    ///
    /// # Safety
    /// `acquire` took the lock for this thread, and no other `release` belongs to the same `acquire`.
    unsafe fn release(self, line: &LockLine, thread: Thread) -> Result<bool, Overwritten>;

    /// Takes the lock for any closure, while the value with these versions counts as borrowed.
    ///
    /// # Safety
    /// - `thread` is the calling thread and holds no lock.
    /// - `self` and `line` belong to one cell, which stays mapped until the lock is released, or, if that does not happen, as
    ///   long as `is_any_held_within` finds the lock.
    unsafe fn acquire_borrowed(
        self,
        line: &LockLine,
        versions: &Versions,
        thread: Thread,
        patience: impl Patience,
    ) -> Result<Acquired, Refusal>;

    /// Ends the borrow, after the closure and before the value is written.
    ///
    /// # Errors
    /// `Unwound` if the closure has caught a panic that passed through a guard of another value under the same lock.
    #[inline(always)]
    fn end_borrow(self, _: &LockLine, _: Thread) -> Result<(), Refusal> {
        Ok(())
    }

    /// Ends the borrow after a panic. The closure's writes to other values under the lock are not committed.
    #[inline(always)]
    fn unwind(self, _: &LockLine, _: Thread) {}

    /// Undoes an `acquire_borrowed`. Returns `true` if a thread may wait for the lock or for a commit of the value.
    ///
    /// # Safety
    /// `acquire_borrowed` took the lock for this thread, and no other `release_borrowed` belongs to the same
    /// `acquire_borrowed`.
    unsafe fn release_borrowed(self, line: &LockLine, thread: Thread) -> Result<bool, Overwritten>;
}

/// The value's own native lock. Known at compile time, for the fastest paths.
#[derive(Clone, Copy)]
pub(crate) struct OwnLock;

impl BriefLock for OwnLock {
    #[inline(always)]
    unsafe fn acquire(self, line: &LockLine, thread: Thread, patience: impl Patience) -> Result<Acquired, Refusal> {
        // SAFETY: the caller promises what this asks for.
        unsafe { patience.acquire(thread, line) }
    }

    #[inline(always)]
    unsafe fn release(self, line: &LockLine, thread: Thread) -> Result<bool, Overwritten> {
        // SAFETY: the caller promises that `acquire` took the lock for this thread, and that nothing else releases it.
        unsafe { only::release(thread, line) }
    }

    #[inline(always)]
    unsafe fn acquire_borrowed(
        self,
        line: &LockLine,
        _: &Versions,
        thread: Thread,
        patience: impl Patience,
    ) -> Result<Acquired, Refusal> {
        // SAFETY: the caller promises what this asks for.
        unsafe { patience.acquire_borrowed(thread, line) }
    }

    #[inline(always)]
    unsafe fn release_borrowed(self, line: &LockLine, thread: Thread) -> Result<bool, Overwritten> {
        // SAFETY: the caller promises that `acquire_borrowed` took the lock for this thread, and that nothing else releases it.
        unsafe { only::release_borrowed(thread, line) }
    }
}

/// Any lock that a handle can take.
#[derive(Clone, Copy)]
pub(crate) enum AnyLock<'a> {
    /// The value's own native lock.
    Own,
    /// A lock object, which may guard other values too. The closure of an update may change those: they have drafts, which are
    /// committed with the release.
    Object,
    Mutex(&'a Mutex),
}

impl<'a> AnyLock<'a> {
    pub(super) fn of<C: Contents + ?Sized>(cell: &'a Cell<C>) -> Self {
        match cell.mutex() {
            Some(mutex) => Self::Mutex(mutex),
            None if cell.is_lock_shared() => Self::Object,
            None => Self::Own,
        }
    }
}

impl BriefLock for AnyLock<'_> {
    #[inline]
    unsafe fn acquire(self, line: &LockLine, thread: Thread, patience: impl Patience) -> Result<Acquired, Refusal> {
        if let Self::Mutex(mutex) = self {
            // SAFETY: the caller promises that the thread holds no lock, and that the mutex belongs to the line. An attempt that
            // fails takes none, so this also holds for the second one.
            return patience.take(|wait| unsafe { pthread::acquire_only(thread, line, mutex, wait) });
        }
        // SAFETY: the caller promises what this asks for.
        unsafe { patience.acquire(thread, line) }
    }

    #[inline]
    unsafe fn release(self, line: &LockLine, thread: Thread) -> Result<bool, Overwritten> {
        if let Self::Mutex(mutex) = self {
            return pthread::release_only(mutex);
        }
        // SAFETY: the caller promises that `acquire` took the lock for this thread, and that nothing else releases it.
        unsafe { only::release(thread, line) }
    }

    #[inline(always)]
    unsafe fn acquire_borrowed(
        self,
        line: &LockLine,
        versions: &Versions,
        thread: Thread,
        patience: impl Patience,
    ) -> Result<Acquired, Refusal> {
        match self {
            // SAFETY: the caller promises what this asks for.
            Self::Own => unsafe { patience.acquire_borrowed(thread, line) },
            Self::Object => {
                // The mark of the lock would keep the closure from changing other values under it.
                // SAFETY: the caller promises that this is the calling thread, and that the lock stays mapped while it is held.
                let acquired = patience.take(|wait| unsafe { lock::acquire(thread, line, wait) })?;
                drafts::borrow(line, thread.token(), versions);
                Ok(acquired)
            }
            // SAFETY: the caller promises that the thread holds no lock, and that the mutex belongs to the line. An attempt that
            // fails takes none, so this also holds for the second one.
            Self::Mutex(mutex) => patience.take(|wait| unsafe { pthread::acquire_borrowed(thread, line, mutex, wait) }),
        }
    }

    #[inline]
    fn end_borrow(self, line: &LockLine, thread: Thread) -> Result<(), Refusal> {
        if !matches!(self, Self::Object) {
            return Ok(());
        }
        drafts::end_borrow();
        if lock::mark(thread, line) == Mark::Unwound { Err(Refusal::Unwound) } else { Ok(()) }
    }

    fn unwind(self, line: &LockLine, thread: Thread) {
        if !matches!(self, Self::Object) {
            return;
        }
        drafts::end_borrow();
        if lock::is_last_hold(thread, line) {
            drafts::rollback(line, thread.token());
            lock::set_mark(thread, line, Mark::None);
        } else {
            // The closure has leaked guards: the lock stays held, and its drafts wait for a rollback.
            lock::set_mark(thread, line, Mark::Unwound);
        }
    }

    #[inline(always)]
    unsafe fn release_borrowed(self, line: &LockLine, thread: Thread) -> Result<bool, Overwritten> {
        match self {
            // SAFETY: the caller promises that `acquire_borrowed` took the lock for this thread, and that nothing else releases
            // it.
            Self::Own => unsafe { only::release_borrowed(thread, line) },
            Self::Object => {
                if drafts::is_empty() {
                    // SAFETY: the caller promises that this thread took the lock, by `lock::acquire`, and that this is the
                    // only release of that hold.
                    return unsafe { lock::release(thread, line, |_| {}) };
                }
                // SAFETY: as the caller promises, this is the only release of a hold that this thread took by `lock::acquire`.
                unsafe { release_with_drafts(line, thread) }
            }
            // SAFETY: the caller promises that `acquire_borrowed` took the mutex for this thread, and that nothing else releases
            // it.
            Self::Mutex(mutex) => unsafe { pthread::release_borrowed(thread, line, mutex) },
        }
    }
}

/// Releases the lock of a lock object, and commits all that this thread has written under it, if this is its last hold.
///
/// # Safety
/// `lock::acquire` took the lock for this thread, and no other release belongs to that.
#[inline(always)]
pub(super) unsafe fn release_with_drafts(line: &LockLine, thread: Thread) -> Result<bool, Overwritten> {
    let mut is_last = false;
    let before_release = |mark| {
        is_last = true;
        match mark {
            Mark::None | Mark::Borrowed => drafts::commit(line, thread.token()),
            Mark::Unwound => drafts::rollback(line, thread.token()),
        }
    };
    // SAFETY: the caller promises that this thread took the lock, and that this is the only release of that hold.
    let released = unsafe { lock::release(thread, line, before_release) };
    if is_last {
        drafts::end(line, thread.token());
    }
    released
}
