//! Retrying a read that writers have overtaken: how often, when with the lock, when after a pause, and until when.

use std::ops::Range;
use std::thread;
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

/// How long a reader waits for the lock.
///
/// The waits are bounded: if the owner is stopped, it commits nothing, so a read without the lock succeeds. They grow: an
/// owner may commit again and again under a lock that it keeps.
const WAITS: Backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(64));

/// The pauses of a reader that cannot take the lock.
const PAUSES: Backoff = Backoff::between_reads();

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

/// The remedy for attempts that keep failing. This and `Attempts` are small and without a computation, because they are made
/// in line with the fast path of reads, whose code they would spoil.
enum NowAndThen<'a, C: Contents + ?Sized> {
    /// Under the lock no other thread commits.
    Lock(Option<Hold<'a, C>>),
    /// Sooner or later the writers pause too.
    Pause,
}

impl<'a, C: Contents + ?Sized> Attempts<'a, C> {
    pub(super) fn with_lock(cell: &'a Cell<C>) -> Self {
        Self { cell, made: 0, now_and_then: NowAndThen::Lock(None) }
    }

    pub(super) fn without_lock(cell: &'a Cell<C>) -> Self {
        Self { cell, made: 0, now_and_then: NowAndThen::Pause }
    }

    /// Returns the attempts of another read of the same kind.
    pub(super) fn again(&self) -> Self {
        match self.now_and_then {
            NowAndThen::Lock(_) => Self::with_lock(self.cell),
            NowAndThen::Pause => Self::without_lock(self.cell),
        }
    }

    /// Lets the closure copy until a copy is whole. Returns the copy and the number of its version.
    #[inline(always)]
    pub(super) fn copy<R>(mut self, mut copy: impl FnMut(&[AtomicU64]) -> R) -> (u64, R) {
        loop {
            let candidate = self.next_for_ever();
            if let Some(copied) = self.cell.slots().copy(candidate, &mut copy) {
                self.end();
                return (candidate.version(), copied);
            }
        }
    }

    /// Lets the closure copy until a copy is whole. Returns the copy and the number of its version; `None` if the time is
    /// over before.
    #[inline(always)]
    pub(super) fn copy_in_time<R>(mut self, wait: Wait, mut copy: impl FnMut(&[AtomicU64]) -> R) -> Option<(u64, R)> {
        loop {
            let candidate = self.next(wait)?;
            if let Some(copied) = self.cell.slots().copy(candidate, &mut copy) {
                self.end();
                return Some((candidate.version(), copied));
            }
        }
    }

    /// Lets the closure copy these bytes piece by piece, until a copy is whole. It gets the slot and the bytes of the piece, and
    /// returns where the bytes to copy end. Returns the number of the version; `None` if the time is over before, even if that is in
    /// the middle of a copy.
    pub(super) fn copy_pieces(
        mut self,
        wait: Wait,
        bytes: &Range<usize>,
        mut copy: impl FnMut(&[AtomicU64], Range<usize>) -> usize,
    ) -> Option<u64> {
        loop {
            let candidate = self.next(wait)?;
            let is_whole = self.cell.slots().copy_pieces(candidate, bytes.clone(), &mut copy, || is_over(wait));
            if is_whole || is_over(wait) {
                self.end();
                return is_whole.then(|| candidate.version());
            }
        }
    }

    /// Returns the version to copy next, if no time was set.
    #[cold]
    #[inline(never)]
    fn next_for_ever(&mut self) -> Candidate {
        self.next(Wait::Forever).expect("it never gives up")
    }

    /// Returns the version to copy next; `None` if the time is over. The first attempt is always made.
    #[cold]
    #[inline(never)]
    fn next(&mut self, wait: Wait) -> Option<Candidate> {
        if matches!(self.now_and_then, NowAndThen::Lock(_))
            && let Some(thread) = Thread::known()
            && lock::holds(self.cell.lock())
        {
            return Some(self.cell.look_as_owner(thread.token()));
        }
        loop {
            if self.made > 0 && wait.remaining().is_none() {
                return None;
            }
            self.made = self.made.wrapping_add(1);
            RETRIES.set(RETRIES.get().wrapping_add(1));
            let tries = tries_of(self.cell.used());
            let is_late = self.made.is_multiple_of(tries);
            if (is_late || self.made == SOON)
                && let Some(candidate) = self.remedy(is_late.then(|| (self.made / tries).saturating_sub(1)), wait)
            {
                return Some(candidate);
            }
            if let Some(candidate) = self.cell.look_decided(is_late) {
                return Some(candidate);
            }
        }
    }

    /// Takes the lock, if this thread may take it, and returns the version to copy. Otherwise it pauses, if it is late; `late`
    /// counts from zero how often it was.
    fn remedy(&mut self, late: Option<u32>, wait: Wait) -> Option<Candidate> {
        let remaining = wait.remaining().unwrap_or_default();
        if let NowAndThen::Lock(hold) = &mut self.now_and_then {
            let most = |number| Wait::at_most(WAITS.pause(number).min(remaining));
            let wait = late.map_or(Wait::Briefly, most);
            match Hold::acquire(self.cell, wait) {
                Ok(acquired) => {
                    let hold = hold.insert(acquired);
                    return Some(self.cell.look_as_owner(hold.token()));
                }
                Err(Refusal::TimedOut) => return None,
                // The lock can never be had: the thread holds too many, or the platform has none.
                Err(_) => {}
            }
        }
        if let Some(number) = late {
            thread::sleep(PAUSES.pause(number).min(remaining));
        }
        None
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

/// Returns the number of attempts before each remedy, for a value of this size in bytes, or for several of this size in all.
pub(crate) fn tries_of(size: usize) -> u32 {
    let halvings = (size / QUICK).checked_ilog2().unwrap_or(0).min(TRIES.ilog2());
    (TRIES >> halvings).max(SOON)
}

/// Returns whether a copy that has begun must stop. Without a timeout, and with one of zero, the first copy goes on to its
/// end.
fn is_over(wait: Wait) -> bool {
    matches!(wait, Wait::Until(_)) && wait.remaining().is_none()
}
