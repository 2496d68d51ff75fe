//! Retrying a read that writers have overtaken: how often, when with the lock, when after a pause.

use std::time::Duration;

use crate::cell::Cell;
use crate::format::contents::Contents;
use crate::hold::Hold;
use crate::hold::backoff::Backoff;
use crate::lock::{self, Thread, Wait};
use crate::protocol::atomics::AtomicU64;
use crate::protocol::slots::Candidate;

/// The number of attempts after which a reader pauses, or takes the lock.
pub(crate) const TRIES: u32 = 64;

/// The number of the retry that is made under the lock, if the lock is free soon.
///
/// A waiting thread stops touching the cache lines. So the writer and the reader both make faster progress when they take
/// turns than when they contend for the cache lines (docs/design.md has figures).
pub(super) const SOON: u32 = 2;

thread_local! {
    static RETRIES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Returns the number of attempts to read that this thread has made off the fast path: for measurements.
#[must_use]
pub fn retries() -> u64 {
    RETRIES.get()
}

/// The attempts of one read off the fast path: this thread may hold the lock, or writers may commit while it copies.
pub(super) struct Attempts<'a, C: Contents + ?Sized> {
    cell: &'a Cell<C>,
    made: u32,
    now_and_then: NowAndThen<'a, C>,
}

/// The remedy for attempts that keep failing.
enum NowAndThen<'a, C: Contents + ?Sized> {
    /// Under the lock no other thread commits. The wait for the lock is bounded: if its owner is stopped, the owner commits
    /// nothing, so a read without the lock succeeds.
    Lock(Option<Hold<'a, C>>),
    /// Sooner or later the writers pause too.
    Pause(Backoff),
}

impl<'a, C: Contents + ?Sized> Attempts<'a, C> {
    pub(super) fn with_lock(cell: &'a Cell<C>) -> Self {
        Self { cell, made: 0, now_and_then: NowAndThen::Lock(None) }
    }

    pub(super) fn without_lock(cell: &'a Cell<C>) -> Self {
        Self { cell, made: 0, now_and_then: NowAndThen::Pause(Backoff::between_reads()) }
    }

    /// Lets the closure copy until a copy is whole. Returns the copy and the number of its version.
    #[inline(always)]
    pub(super) fn copy<R>(mut self, mut copy: impl FnMut(&[AtomicU64]) -> R) -> (u64, R) {
        loop {
            let candidate = self.next();
            if let Some(copied) = self.cell.slots().copy(candidate, &mut copy) {
                self.end();
                return (candidate.version(), copied);
            }
        }
    }

    /// Returns the version to copy next.
    #[cold]
    #[inline(never)]
    fn next(&mut self) -> Candidate {
        if matches!(self.now_and_then, NowAndThen::Lock(_))
            && let Some(thread) = Thread::known()
            && lock::holds(self.cell.lock())
        {
            return self.cell.look_as_owner(thread.token());
        }
        loop {
            self.made = self.made.wrapping_add(1);
            RETRIES.set(RETRIES.get().wrapping_add(1));
            let is_late = self.made.is_multiple_of(TRIES);
            match &mut self.now_and_then {
                NowAndThen::Pause(pauses) if is_late => pauses.sleep(),
                NowAndThen::Lock(locked) if is_late || self.made == SOON => {
                    let wait = if is_late { Wait::at_most(Duration::from_millis(1)) } else { Wait::Briefly };
                    *locked = Hold::acquire(self.cell, wait).ok();
                    if let Some(hold) = locked {
                        return self.cell.look_as_owner(hold.token());
                    }
                }
                _ => {}
            }
            if let Some(candidate) = self.cell.look_decided(is_late) {
                return candidate;
            }
        }
    }

    /// Releases the lock, if the last copy was made under it.
    #[cold]
    #[inline(never)]
    fn end(&mut self) {
        if let NowAndThen::Lock(Some(hold)) = &mut self.now_and_then {
            // An overwritten lock is reported only to threads that change the value.
            let _ = hold.end();
        }
    }
}
