//! Retrying a read that writers have overtaken: how often, when with the lock, when after a pause, and until when.

use std::ops::Range;
use std::time::Duration;

use crate::cell::Cell;
use crate::format::contents::Contents;
use crate::hold::Hold;
use crate::hold::backoff::Backoff;
use crate::lock::{self, Refusal, Thread, Wait};
use crate::protocol::atomics::AtomicU64;
use crate::protocol::slots::Candidate;

/// The number of attempts after which a reader pauses, or takes the lock.
pub(crate) const TRIES: u32 = 64;

/// Values of up to this many bytes get all attempts. Each doubling of the size halves their number, because an attempt that
/// fails costs as much as the copy.
const QUICK: usize = 4096;

/// How long a reader waits for the lock the first time, and at most.
///
/// The waits are bounded: if the owner is stopped, it commits nothing, so a read without the lock succeeds. They grow: an
/// owner may commit again and again under a lock that it keeps.
const FIRST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(64);

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
    /// The number of attempts before each remedy.
    tries: u32,
    /// When to give up. The first attempt is always made.
    wait: Wait,
    pauses: Backoff,
    now_and_then: NowAndThen<'a, C>,
}

/// The remedy for attempts that keep failing.
enum NowAndThen<'a, C: Contents + ?Sized> {
    /// Under the lock no other thread commits.
    Lock {
        hold: Option<Hold<'a, C>>,
        /// How long to wait for the lock next time.
        longest: Duration,
    },
    /// Sooner or later the writers pause too.
    Pause,
}

impl<'a, C: Contents + ?Sized> Attempts<'a, C> {
    pub(super) fn with_lock(cell: &'a Cell<C>) -> Self {
        Self::of(cell, NowAndThen::Lock { hold: None, longest: FIRST_WAIT })
    }

    pub(super) fn without_lock(cell: &'a Cell<C>) -> Self {
        Self::of(cell, NowAndThen::Pause)
    }

    fn of(cell: &'a Cell<C>, now_and_then: NowAndThen<'a, C>) -> Self {
        let halvings = (cell.shape().size / QUICK).checked_ilog2().unwrap_or(0).min(TRIES.ilog2());
        let tries = (TRIES >> halvings).max(SOON);
        Self { cell, made: 0, tries, wait: Wait::Forever, pauses: Backoff::between_reads(), now_and_then }
    }

    /// Sets when to give up.
    pub(super) fn until(self, wait: Wait) -> Self {
        Self { wait, ..self }
    }

    /// Lets the closure copy until a copy is whole. Returns the copy and the number of its version.
    #[inline(always)]
    pub(super) fn copy<R>(self, copy: impl FnMut(&[AtomicU64]) -> R) -> (u64, R) {
        self.copy_in_time(copy).expect("without `until` it never gives up")
    }

    /// Lets the closure copy until a copy is whole. Returns the copy and the number of its version; `None` if the time is
    /// over before.
    #[inline(always)]
    pub(super) fn copy_in_time<R>(mut self, mut copy: impl FnMut(&[AtomicU64]) -> R) -> Option<(u64, R)> {
        loop {
            let candidate = self.next()?;
            if let Some(copied) = self.cell.slots().copy(candidate, &mut copy) {
                self.end();
                return Some((candidate.version(), copied));
            }
        }
    }

    /// Lets the closure copy the whole value piece by piece, until a copy is whole. It gets the slot and the bytes of the
    /// piece. Returns the number of the version; `None` if the time is over before, even if that is in the middle of a copy.
    pub(super) fn copy_pieces(mut self, mut copy: impl FnMut(&[AtomicU64], Range<usize>)) -> Option<u64> {
        let wait = self.wait;
        loop {
            let candidate = self.next()?;
            let is_whole = self.cell.slots().copy_pieces(candidate, &mut copy, || is_over(wait));
            if is_whole || is_over(wait) {
                self.end();
                return is_whole.then(|| candidate.version());
            }
        }
    }

    /// Returns the version to copy next; `None` if the time is over.
    #[cold]
    #[inline(never)]
    fn next(&mut self) -> Option<Candidate> {
        if matches!(self.now_and_then, NowAndThen::Lock { .. })
            && let Some(thread) = Thread::known()
            && lock::holds(self.cell.lock())
        {
            return Some(self.cell.look_as_owner(thread.token()));
        }
        loop {
            if self.made > 0 && self.wait.remaining().is_none() {
                return None;
            }
            self.made = self.made.wrapping_add(1);
            RETRIES.set(RETRIES.get().wrapping_add(1));
            let is_late = self.made.is_multiple_of(self.tries);
            if (is_late || self.made == SOON)
                && let Some(candidate) = self.under_lock(is_late)
            {
                return Some(candidate);
            }
            if let Some(candidate) = self.cell.look_decided(is_late) {
                return Some(candidate);
            }
        }
    }

    /// Takes the lock, if this thread may take it, and returns the version to copy. If it cannot take the lock and `is_late`,
    /// it has paused.
    fn under_lock(&mut self, is_late: bool) -> Option<Candidate> {
        let remaining = self.wait.remaining().unwrap_or_default();
        if let NowAndThen::Lock { hold, longest } = &mut self.now_and_then {
            let wait = if is_late { Wait::at_most(remaining.min(*longest)) } else { Wait::Briefly };
            match Hold::acquire(self.cell, wait) {
                Ok(acquired) => {
                    let hold = hold.insert(acquired);
                    return Some(self.cell.look_as_owner(hold.token()));
                }
                Err(Refusal::TimedOut) => {
                    if is_late {
                        *longest = (*longest * 2).min(LONGEST_WAIT);
                    }
                    return None;
                }
                // The lock can never be had: the thread holds too many, or the platform has none.
                Err(_) => {}
            }
        }
        if is_late {
            self.pauses.sleep_at_most(remaining);
        }
        None
    }

    /// Releases the lock, if the last copy was made under it.
    #[cold]
    #[inline(never)]
    fn end(&mut self) {
        if let NowAndThen::Lock { hold: Some(hold), .. } = &mut self.now_and_then {
            // An overwritten lock is reported only to threads that change the value.
            let _ = hold.end();
        }
    }
}

/// Returns whether a copy that has begun must stop. Without a timeout, and with one of zero, the first copy goes on to its
/// end.
fn is_over(wait: Wait) -> bool {
    matches!(wait, Wait::Until(_)) && wait.remaining().is_none()
}
