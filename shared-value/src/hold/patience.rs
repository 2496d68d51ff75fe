//! `Patience`: how long a change waits for the lock, as a type, so that the fast paths of changes without a limit pay nothing.
#![allow(unsafe_code)]

use std::time::Duration;

use crate::lock::{Acquired, LockLine, Refusal, Thread, Wait, only};

/// How long a change waits for the lock.
pub(crate) trait Patience: Copy {
    /// Lets the closure take a lock. It may be called twice; the first call then has taken nothing.
    fn take<R>(self, take: impl FnMut(Wait) -> Result<R, Refusal>) -> Result<R, Refusal>;

    /// Takes the only lock of the thread, as [`only::acquire`] does. Not by `take`: the compiler does not always inline a
    /// closure.
    ///
    /// # Safety
    /// As for [`only::acquire`].
    unsafe fn acquire(self, thread: Thread, line: &LockLine) -> Result<Acquired, Refusal>;

    /// Takes the only lock of the thread, as [`only::acquire_borrowed`] does.
    ///
    /// # Safety
    /// As for [`only::acquire_borrowed`].
    unsafe fn acquire_borrowed(self, thread: Thread, line: &LockLine) -> Result<Acquired, Refusal>;
}

/// Waits as long as needed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unlimited;

impl Patience for Unlimited {
    #[inline(always)]
    fn take<R>(self, mut take: impl FnMut(Wait) -> Result<R, Refusal>) -> Result<R, Refusal> {
        take(Wait::Forever)
    }

    #[inline(always)]
    unsafe fn acquire(self, thread: Thread, line: &LockLine) -> Result<Acquired, Refusal> {
        // SAFETY: the caller promises what this asks for.
        unsafe { only::acquire(thread, line, Wait::Forever) }
    }

    #[inline(always)]
    unsafe fn acquire_borrowed(self, thread: Thread, line: &LockLine) -> Result<Acquired, Refusal> {
        // SAFETY: the caller promises what this asks for.
        unsafe { only::acquire_borrowed(thread, line, Wait::Forever) }
    }
}

/// Waits for at most this long; zero: makes one attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limited(pub(crate) Duration);

impl Patience for Limited {
    /// The clock is read only if the first attempt fails.
    #[inline(always)]
    fn take<R>(self, mut take: impl FnMut(Wait) -> Result<R, Refusal>) -> Result<R, Refusal> {
        match take(Wait::Never) {
            Err(Refusal::WouldBlock) if !self.0.is_zero() => take(Wait::at_most(self.0)),
            taken => taken,
        }
    }

    #[inline(always)]
    unsafe fn acquire(self, thread: Thread, line: &LockLine) -> Result<Acquired, Refusal> {
        // SAFETY: the caller promises what this asks for, and an attempt that fails takes no lock: the thread holds none before
        // the second one either.
        self.take(|wait| unsafe { only::acquire(thread, line, wait) })
    }

    #[inline(always)]
    unsafe fn acquire_borrowed(self, thread: Thread, line: &LockLine) -> Result<Acquired, Refusal> {
        // SAFETY: the caller promises what this asks for, and an attempt that fails takes no lock: the thread holds none before
        // the second one either.
        self.take(|wait| unsafe { only::acquire_borrowed(thread, line, wait) })
    }
}
