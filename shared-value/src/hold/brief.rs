//! Changes of a cell by a thread that holds no lock: one function takes the lock, writes, commits and releases.
#![allow(unsafe_code)]

use std::ops::Range;

use crate::cell::Cell;
use crate::copy::{self, Unchecked};
use crate::error::Error;
use crate::format::contents::Contents;
use crate::hold::brief_lock::{AnyLock, BriefLock, OwnLock};
use crate::hold::check_place;
use crate::hold::patience::Patience;
use crate::layout::SharedValue;
use crate::lock::{self, Refusal, Thread};
use crate::protocol::atomics::AtomicU64;

impl<'a, C: Contents + ?Sized> Cell<C> {
    /// Returns the calling thread, if it holds no lock at all and the value's own native lock guards the value: for
    /// `update_briefly` and `change_briefly`.
    #[inline(always)]
    pub(crate) fn unencumbered(&self) -> Option<(Thread, OwnLock)> {
        Thread::known().filter(|_| self.has_own_lock() && !lock::holds_any()).map(|thread| (thread, OwnLock))
    }

    /// Returns the calling thread, if it holds no lock at all, and what guards the value: for `update_briefly` and
    /// `change_briefly`.
    #[inline]
    pub(crate) fn unencumbered_by_any(&self) -> Option<(Thread, AnyLock<'_>)> {
        Thread::known().filter(|_| !lock::holds_any()).map(|thread| (thread, AnyLock::of(self)))
    }

    /// Lets the closure write these bytes, and commits them. `thread` and `lock` are from `unencumbered` or
    /// `unencumbered_by_any`.
    ///
    /// `write` must not panic, or the lock stays held, and it must not take a lock.
    #[inline(always)]
    pub(crate) fn change_briefly(
        &'a self,
        (thread, lock): (Thread, impl BriefLock),
        patience: impl Patience,
        bytes: &Range<usize>,
        write: impl FnOnce(&[AtomicU64]),
    ) -> Result<(), Refusal> {
        check_place(self, bytes);
        // SAFETY: a `Thread` is always the calling thread, and `unencumbered` found that it holds no lock. `self` keeps the
        // lock mapped.
        let acquired = unsafe { lock.acquire(self.lock(), thread, patience) }?;
        self.recover_from(acquired);
        self.slots().publish(bytes, write);
        // SAFETY: `acquire` took the lock for this thread, and this is its only release.
        self.raise_for(unsafe { lock.release(self.lock(), thread) })
    }

    /// Lets the closure change the `F` at an offset, which `read` reads from the committed value. `thread` and `lock` are from
    /// `unencumbered` or `unencumbered_by_any`.
    #[inline(always)]
    pub(crate) fn update_briefly<F: SharedValue, R>(
        &'a self,
        (thread, lock): (Thread, impl BriefLock),
        patience: impl Patience,
        offset: usize,
        read: impl FnOnce(&[AtomicU64]) -> Unchecked<F>,
        change: impl FnOnce(&mut F) -> R,
    ) -> Result<R, Error> {
        let bytes = copy::range::<F>(offset);
        check_place(self, &bytes);
        // SAFETY: a `Thread` is always the calling thread, and `unencumbered` found that it holds no lock. `self` keeps the
        // lock mapped.
        let acquired = unsafe { lock.acquire_borrowed(self.lock(), self.versions(), thread, patience) }?;
        self.recover_from(acquired);
        let token = thread.token();
        let ending = BriefEnding { cell: self, thread, token, lock };
        // If the bits are invalid, `ending` releases the lock.
        let mut value = read(self.slots().committed()).check_in::<C>(offset)?;
        let result = change(&mut value);
        std::mem::forget(ending);
        // If `change` forked, this may be the child, which holds nothing, and must not write.
        if thread.token() != token {
            return Err(Refusal::NotHeld.into());
        }
        if let Err(refusal) = lock.end_borrow(self.lock(), thread) {
            drop(BriefEnding { cell: self, thread, token, lock });
            return Err(refusal.into());
        }
        self.slots().publish(&bytes, |slot| copy::store(slot, offset, &value));
        // SAFETY: `acquire_borrowed` took the lock for this thread, which still runs, and `ending`, which would release it
        // too, was forgotten.
        unsafe { self.give_back(thread, lock) }?;
        Ok(result)
    }

    /// Releases the lock of `update_briefly`.
    ///
    /// # Safety
    /// `acquire_borrowed` took the lock for this thread, and nothing else releases it.
    #[inline(always)]
    unsafe fn give_back(&self, thread: Thread, lock: impl BriefLock) -> Result<(), Refusal> {
        // SAFETY: the caller promises that `acquire_borrowed` took the lock for this thread, and that nothing else releases
        // it.
        self.raise_for(unsafe { lock.release_borrowed(self.lock(), thread) })
    }
}

/// Ends a brief hold before anything was written: when the bits are invalid, or the closure under it panics.
struct BriefEnding<'a, C: Contents + ?Sized, B: BriefLock> {
    cell: &'a Cell<C>,
    thread: Thread,
    token: u64,
    lock: B,
}

impl<C: Contents + ?Sized, B: BriefLock> Drop for BriefEnding<'_, C, B> {
    #[cold]
    fn drop(&mut self) {
        if self.thread.token() == self.token {
            self.lock.unwind(self.cell.lock(), self.thread);
            // SAFETY: `update_briefly` took the lock for this thread, which the token shows to be running, and forgets
            // `self` before it releases the lock itself. An overwritten lock cannot be reported here.
            let _ = unsafe { self.cell.give_back(self.thread, self.lock) };
        }
    }
}
