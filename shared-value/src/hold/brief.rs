//! Changes of a cell by a thread that holds no lock, which take the lock and let go of it in one function.
#![allow(unsafe_code)]

use std::ops::Range;

use crate::cell::Cell;
use crate::copy::{self, Unchecked};
use crate::error::Error;
use crate::format::contents::Contents;
use crate::hold::check_place;
use crate::layout::SharedValue;
use crate::lock::{self, Refusal, Thread};
use crate::protocol::atomics::AtomicU64;

impl<'a, C: Contents + ?Sized> Cell<C> {
    /// The calling thread, if it holds no lock at all and the value's own native lock guards it: for `update_briefly` and
    /// `change_briefly`.
    #[inline(always)]
    pub(crate) fn unencumbered(&self) -> Option<Thread> {
        Thread::known().filter(|_| self.has_own_lock() && !lock::holds_any())
    }

    /// Lets the closure write these bytes, and commits them. `thread` is from `unencumbered`.
    ///
    /// `write` must neither panic, or the lock stays held, nor take a lock.
    #[inline(always)]
    pub(crate) fn change_briefly(
        &'a self,
        thread: Thread,
        bytes: &Range<usize>,
        write: impl FnOnce(&[AtomicU64]),
    ) -> Result<(), Refusal> {
        check_place(self, bytes);
        // SAFETY: a `Thread` is the calling one, and holds no lock. `self` keeps the lock mapped.
        let acquired = unsafe { lock::only::acquire(thread, self.lock()) }?;
        self.recover_from(acquired);
        self.slots().publish(bytes, write);
        // SAFETY: taken above.
        self.raise_for(unsafe { lock::only::release(thread, self.lock()) })
    }

    /// Lets the closure change the `F` at an offset, which `read` reads from the committed value. `thread` is from
    /// `unencumbered`.
    #[inline(always)]
    pub(crate) fn update_briefly<F: SharedValue, R>(
        &'a self,
        thread: Thread,
        offset: usize,
        read: impl FnOnce(&[AtomicU64]) -> Unchecked<F>,
        change: impl FnOnce(&mut F) -> R,
    ) -> Result<R, Error> {
        let bytes = copy::range::<F>(offset);
        check_place(self, &bytes);
        // SAFETY: a `Thread` is the calling one, and holds no lock. `self` keeps the lock mapped while it lives.
        let acquired = unsafe { lock::only::acquire_borrowed(thread, self.lock()) }?;
        self.recover_from(acquired);
        let token = thread.token();
        let ending = BriefEnding { cell: self, thread, token };
        let changed = read(self.slots().committed()).check_in::<C>(offset).map(|mut value| (change(&mut value), value));
        std::mem::forget(ending);
        // Not if the closure forked and this is the child.
        if thread.token() != token {
            return changed.map(|(result, _)| result);
        }
        if let Ok((_, value)) = &changed {
            self.slots().publish(&bytes, |slot| copy::store(slot, offset, value));
        }
        // SAFETY: taken above, by this thread, which still is the same; `ending` was forgotten.
        let released = unsafe { self.give_back(thread) };
        let (result, _) = changed?;
        released?;
        Ok(result)
    }

    /// Ends what `update_briefly` has begun.
    ///
    /// # Safety
    /// `acquire_borrowed` took the lock for this thread, and nothing else gives it back.
    #[inline(always)]
    unsafe fn give_back(&self, thread: Thread) -> Result<(), Refusal> {
        // SAFETY: promised by the caller.
        self.raise_for(unsafe { lock::only::release_borrowed(thread, self.lock()) })
    }
}

/// Ends a brief hold when the closure under it panics. Nothing has been written then.
struct BriefEnding<'a, C: Contents + ?Sized> {
    cell: &'a Cell<C>,
    thread: Thread,
    token: u64,
}

impl<C: Contents + ?Sized> Drop for BriefEnding<'_, C> {
    #[cold]
    fn drop(&mut self) {
        if self.thread.token() == self.token {
            // SAFETY: `update_briefly` took the lock for this thread, which still is the same, and forgets this before it
            // lets go of the lock itself. There is nobody to tell of an overwritten lock.
            let _ = unsafe { self.cell.give_back(self.thread) };
        }
    }
}
