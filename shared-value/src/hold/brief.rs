//! Changes of a cell by a thread that holds no lock: one function takes the lock, writes, commits and releases.
#![allow(unsafe_code)]

use std::ops::Range;

use crate::cell::Cell;
use crate::copy::{self, Unchecked};
use crate::error::Error;
use crate::format::contents::Contents;
use crate::hold::check_place;
use crate::hold::patience::Patience;
use crate::layout::SharedValue;
use crate::lock::{self, Refusal, Thread};
use crate::protocol::atomics::AtomicU64;

impl<'a, C: Contents + ?Sized> Cell<C> {
    /// Returns the calling thread, if it holds no lock at all and the value's own native lock guards the value: for
    /// `update_briefly` and `change_briefly`.
    #[inline(always)]
    pub(crate) fn unencumbered(&self) -> Option<Thread> {
        Thread::known().filter(|_| self.has_own_lock() && !lock::holds_any())
    }

    /// Lets the closure write these bytes, and commits them. `thread` is from `unencumbered`.
    ///
    /// `write` must not panic, or the lock stays held, and it must not take a lock.
    #[inline(always)]
    pub(crate) fn change_briefly(
        &'a self,
        thread: Thread,
        patience: impl Patience,
        bytes: &Range<usize>,
        write: impl FnOnce(&[AtomicU64]),
    ) -> Result<(), Refusal> {
        check_place(self, bytes);
        // SAFETY: a `Thread` is always the calling thread, and `unencumbered` found that it holds no lock. `self` keeps the
        // lock mapped.
        let acquired = unsafe { patience.acquire(thread, self.lock()) }?;
        self.recover_from(acquired);
        self.slots().publish(bytes, write);
        // SAFETY: `acquire` took the lock for this thread, and this is its only release.
        self.raise_for(unsafe { lock::only::release(thread, self.lock()) })
    }

    /// Lets the closure change the `F` at an offset, which `read` reads from the committed value. `thread` is from
    /// `unencumbered`.
    #[inline(always)]
    pub(crate) fn update_briefly<F: SharedValue, R>(
        &'a self,
        thread: Thread,
        patience: impl Patience,
        offset: usize,
        read: impl FnOnce(&[AtomicU64]) -> Unchecked<F>,
        change: impl FnOnce(&mut F) -> R,
    ) -> Result<R, Error> {
        let bytes = copy::range::<F>(offset);
        check_place(self, &bytes);
        // SAFETY: a `Thread` is always the calling thread, and `unencumbered` found that it holds no lock. `self` keeps the
        // lock mapped.
        let acquired = unsafe { patience.acquire_borrowed(thread, self.lock()) }?;
        self.recover_from(acquired);
        let token = thread.token();
        let ending = BriefEnding { cell: self, thread, token };
        // If the bits are invalid, `ending` releases the lock.
        let mut value = read(self.slots().committed()).check_in::<C>(offset)?;
        let result = change(&mut value);
        std::mem::forget(ending);
        // If `change` forked, this may be the child, which holds nothing, and must not write.
        if thread.token() != token {
            return Err(Refusal::NotHeld.into());
        }
        self.slots().publish(&bytes, |slot| copy::store(slot, offset, &value));
        // SAFETY: `acquire_borrowed` took the lock for this thread, which still runs, and `ending`, which would release it
        // too, was forgotten.
        unsafe { self.give_back(thread) }?;
        Ok(result)
    }

    /// Releases the lock of `update_briefly`.
    ///
    /// # Safety
    /// `acquire_borrowed` took the lock for this thread, and nothing else releases it.
    #[inline(always)]
    unsafe fn give_back(&self, thread: Thread) -> Result<(), Refusal> {
        // SAFETY: the caller promises that `acquire_borrowed` took the lock for this thread, and that nothing else releases
        // it.
        self.raise_for(unsafe { lock::only::release_borrowed(thread, self.lock()) })
    }
}

/// Ends a brief hold before anything was written: when the bits are invalid, or the closure under it panics.
struct BriefEnding<'a, C: Contents + ?Sized> {
    cell: &'a Cell<C>,
    thread: Thread,
    token: u64,
}

impl<C: Contents + ?Sized> Drop for BriefEnding<'_, C> {
    #[cold]
    fn drop(&mut self) {
        if self.thread.token() == self.token {
            // SAFETY: `update_briefly` took the lock for this thread, which the token shows to be running, and forgets
            // `self` before it releases the lock itself. An overwritten lock cannot be reported here.
            let _ = unsafe { self.cell.give_back(self.thread) };
        }
    }
}
