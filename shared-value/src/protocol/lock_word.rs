//! The lock word: a state machine that processes and the kernel advance together.
//!
//! It has 64 bits, as all words of shared memory do: nothing there is ever accessed in two sizes. The kernel reads and
//! changes only its lower half.
//!
//! | bits | name | meaning | set by |
//! |---|---|---|---|
//! | 0-29 | thread | kernel id of the thread that holds the lock; 0: free | the new owner, by compare-and-swap |
//! | 30 | owner died | the last owner died with the lock | the kernel, `die`, `abandon` or a waiter; each clears the thread |
//! | 31 | waiters | a thread may sleep on the word | a waiter before it sleeps, or an owner that had slept |
//! | 32-63 | process | random id of the owner's process; in a free word it means nothing | the new owner, with the thread |
//!
//! | thread | owner died | waiters | state |
//! |---|---|---|---|
//! | 0 | 0 | 0 | free |
//! | 0 | 1 | any | free; the uncommitted writes of the dead owner must be rolled back |
//! | id | 0 | 0 | held |
//! | id | 0 | 1 | held; releasing it wakes one sleeper |
//! | all ones | 0 | any | retired: another segment has taken the place of this one, and no thread takes the lock again |
//!
//! Other combinations come from a process that breaks this protocol. None is trusted: a word with thread 0 counts as free,
//! any other as held.
//!
//! The *owner* is thread and process together: thread ids repeat in other PID namespaces, and the kernel gives them out
//! again. The kernel marks the word when an owner dies. A waiter that has seen one owner for a second does not rely on that:
//! it asks whether the owner still exists, and marks the word itself if not (see `segment/presence.rs`).

use std::time::{Duration, Instant};

use crate::protocol::atomics::{AtomicU64, Ordering, spin_loop};
use crate::protocol::fault;

const THREAD: u64 = 0x3fff_ffff;
pub(crate) const OWNER_DIED: u64 = 0x4000_0000;
pub(crate) const WAITERS: u64 = 0x8000_0000;
/// The thread in the word of a retired lock. No thread has this id.
const RETIRED: u64 = THREAD;
const PROCESS: u64 = 0xffff_ffff_0000_0000;
/// The bits that name an owner.
const OWNER: u64 = PROCESS | THREAD;

/// Returns the owner that a thread is. The id of a thread has at most 22 bits (`PID_MAX_LIMIT` of the kernel).
pub(crate) fn owner_of(process: u32, thread: u32) -> u64 {
    u64::from(process) << 32 | u64::from(thread)
}

/// Returns the process and the thread of an owner.
pub(crate) fn process_and_thread(owner: u64) -> (u32, u32) {
    ((owner >> 32) as u32, (owner & THREAD) as u32)
}

/// How often a waiter loads a held word before it sleeps.
const LOOKS: u32 = if cfg!(loom) { 0 } else { 30 };

/// The pauses between two loads: they double from the first number to the last.
///
/// Long pauses leave the cache line to the lock's owner, which then finishes sooner. Short pauses notice a release sooner.
const FIRST_PAUSES: u32 = 16;
const MOST_PAUSES: u32 = 64;

/// The longest sleep between two loads of the word.
///
/// A sleeper that is killed after it was woken, and before it takes the lock, loses the wake-up. An announcement to the
/// kernel during the sleep would repair that. But the kernel would then mistake a sleeper for the owner if it has the
/// owner's thread id, in another PID namespace, and is killed. So sleepers wake by themselves now and then.
pub(crate) const LONGEST_SLEEP: Duration = Duration::from_millis(50);

/// How long to wait for a lock.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    Never,
    /// Only as long as the loads before a sleep take; does not sleep.
    Briefly,
    Until(Instant),
    Forever,
}

impl Wait {
    /// Waits until `timeout` from now; forever if the clock cannot represent that time.
    pub(crate) fn at_most(timeout: Duration) -> Self {
        Instant::now().checked_add(timeout).map_or(Self::Forever, Self::Until)
    }

    /// Waits as `self` does, but for no longer than `most` from now.
    pub(crate) fn and_at_most(self, most: Duration) -> Self {
        match (self, Self::at_most(most)) {
            (Self::Until(deadline), Self::Until(sooner)) => Self::Until(deadline.min(sooner)),
            (Self::Forever, sooner) => sooner,
            (wait, _) => wait,
        }
    }

    /// Returns how long a sleep may last, or `None` if the time is over.
    pub(crate) fn remaining(self) -> Option<Duration> {
        let longest = if fault::is_chosen("sleep_through") { Duration::from_secs(3600) } else { LONGEST_SLEEP };
        match self {
            Self::Never | Self::Briefly => None,
            Self::Forever => Some(longest),
            Self::Until(deadline) => {
                let remaining = deadline.saturating_duration_since(Instant::now());
                (!remaining.is_zero()).then(|| remaining.min(longest))
            }
        }
    }
}

/// The services of the operating system that the word needs; models replace them. Passed by value, to stay in registers.
pub(crate) trait Kernel: Copy {
    /// Tells the kernel that this thread may own the lock from now on.
    fn announce(&self);
    /// Withdraws the announcement.
    fn retract(&self);
    /// Returns whether this thread holds locks that its caller does not know: those of another copy of the library. One of
    /// them may be the lock that it waits for.
    fn may_own_elsewhere(&self) -> bool;
    /// Sleeps while the lower half of the word equals that of `expected`, for at most `timeout`.
    fn wait(&self, word: &AtomicU64, expected: u64, timeout: Duration);
    /// Wakes one sleeper.
    fn wake_one(&self, word: &AtomicU64);
    /// Wakes all sleepers.
    fn wake_all(&self, word: &AtomicU64);
    /// Returns whether another segment has taken the place of the word's own. Asked by the thread that has taken the lock over
    /// from a dead owner, which may have died in the middle of that.
    fn is_replaced(&self, word: &AtomicU64) -> bool;
    /// Returns whether the owner that the word names is known not to exist any more. Asked after each sleep.
    fn is_gone(&self, word: &AtomicU64, owner: u64) -> bool;
    /// Returns whether a signal has ended a sleep of a thread that wants its wait to end then. Asked before each sleep.
    fn is_interrupted(&self) -> bool;
}

/// The lock was taken; the announcement to the kernel still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Whether the last owner died with the lock.
    pub(crate) owner_died: bool,
}

/// The word named another owner when this thread released the lock.
#[derive(Debug)]
pub(crate) struct Stolen;

/// Takes the lock for the thread. Returns `None` if the wait is over or interrupted, if the thread waits for itself, or if the
/// lock is retired.
///
/// Taking is an acquire operation: the new owner sees everything that earlier owners did. An owner that released the lock
/// did so with release ordering. An owner that died was stopped by the kernel, which then changed the word with a full
/// barrier.
#[inline(always)]
pub(crate) fn take(word: &AtomicU64, owner: u64, wait: Wait, kernel: impl Kernel) -> Option<Taken> {
    // If another thread holds the lock, do not announce it: that thread may have the same id, in another PID namespace. A
    // thread that does not wait may try repeatedly, and would announce the lock each time.
    if matches!(wait, Wait::Never) && word.load(Ordering::Relaxed) & THREAD != 0 {
        return None;
    }
    kernel.announce();
    if word.compare_exchange(0, owner, Ordering::Acquire, Ordering::Relaxed).is_ok() {
        return Some(Taken { owner_died: false });
    }
    kernel.retract();
    take_contended(word, owner, wait, kernel)
}

/// It looks at the clock after each sleep, and after each failed attempt once it has looked at the word `LOOKS` times. So it
/// ends in time whatever peers do to the word; `Wait::Forever` ends when the lock is free.
#[cold]
fn take_contended(word: &AtomicU64, owner: u64, wait: Wait, kernel: impl Kernel) -> Option<Taken> {
    // The owner that woke this thread has cleared the waiters bit, but other threads may still sleep. So a thread that has
    // slept sets the bit again when it takes the lock, and passes the wake-up on when it gives up.
    let mut slept = 0;
    let (mut looks, mut pauses) = (0, FIRST_PAUSES);
    loop {
        let seen = word.load(Ordering::Relaxed);
        if is_retired_by(seen) {
            // The thread that retires the lock wakes all sleepers, so there is no wake-up to pass on.
            return None;
        }
        let is_free = seen & THREAD == 0;
        if is_free {
            kernel.announce();
            let held = owner | (seen & WAITERS) | slept;
            if word.compare_exchange(seen, held, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                let owner_died = seen & OWNER_DIED != 0;
                if owner_died && kernel.is_replaced(word) {
                    retire(word, kernel);
                    kernel.retract();
                    return None;
                }
                return Some(Taken { owner_died });
            }
            kernel.retract();
        } else if matches!(wait, Wait::Never) {
            return None;
        }
        if looks < LOOKS {
            looks += 1;
            if !is_free {
                for _ in 0..pauses {
                    spin_loop();
                }
                pauses = (2 * pauses).min(MOST_PAUSES);
            }
            continue;
        }
        // A peer that changes a free word all the time must not hold this thread forever either.
        let owns_elsewhere = seen & THREAD == owner & THREAD && kernel.may_own_elsewhere();
        let Some(timeout) = wait.remaining().filter(|_| !owns_elsewhere && !kernel.is_interrupted()) else {
            if slept != 0 {
                pass_on(word, kernel);
            }
            return None;
        };
        if is_free {
            continue;
        }
        let marked = seen | WAITERS;
        if seen == marked || word.compare_exchange(seen, marked, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            kernel.wait(word, marked, timeout);
            slept = WAITERS;
            (looks, pauses) = (0, FIRST_PAUSES);
            let now = word.load(Ordering::Relaxed);
            if now & THREAD != 0 && kernel.is_gone(word, now & OWNER) {
                bury(word, now & OWNER);
            }
        }
    }
}

/// Passes a wake-up that this thread may have consumed on to another sleeper: by the waiters bit, which makes the owner wake
/// one, or at once if that fails. It does not try again: a wake-up too many does no harm, because the sleeper looks at the
/// word and sleeps again.
fn pass_on(word: &AtomicU64, kernel: impl Kernel) {
    let seen = word.load(Ordering::Relaxed);
    let marks = |marked| word.compare_exchange(seen, marked, Ordering::Relaxed, Ordering::Relaxed).is_ok();
    if seen & THREAD == 0 || !marks(seen | WAITERS) {
        kernel.wake_one(word);
    }
}

/// Releases the lock, which the caller has announced to the kernel, and withdraws the announcement. Returns `true` if a
/// thread waits, for the lock or for a commit of the value.
#[inline(always)]
pub(crate) fn release(word: &AtomicU64, owner: u64, kernel: impl Kernel) -> Result<bool, Stolen> {
    let released = word.compare_exchange(owner, 0, Ordering::Release, Ordering::Relaxed);
    if let Err(seen) = released {
        return release_contended(word, owner, seen, kernel);
    }
    kernel.retract();
    Ok(false)
}

#[cold]
fn release_contended(word: &AtomicU64, owner: u64, seen: u64, kernel: impl Kernel) -> Result<bool, Stolen> {
    if seen & OWNER != owner {
        // Another thread owns the lock now. Releasing it under that thread would only make matters worse.
        kernel.retract();
        return Err(Stolen);
    }
    // Acquire: pairs with `call_back`, so that the waiting bit of a waiter is seen.
    let released = word.swap(0, Ordering::AcqRel);
    // Before the wake-up, not after it: from here on, a thread with the same id in another PID namespace may own the lock,
    // and this thread's death must not count as that owner's. If this thread dies before the wake-up, the sleepers wake by
    // themselves after their longest sleep.
    kernel.retract();
    let waiters = released & WAITERS != 0;
    if waiters {
        kernel.wake_one(word);
    }
    Ok(waiters)
}

/// Makes the next `release` report a waiter; see `protocol/event.rs`.
pub(crate) fn call_back(word: &AtomicU64) {
    word.fetch_or(WAITERS, Ordering::AcqRel);
}

/// Returns whether the next `release` will report a waiter.
pub(crate) fn is_called_back(word: &AtomicU64) -> bool {
    word.load(Ordering::Relaxed) & WAITERS != 0
}

/// Makes the lock one that no thread takes again, and wakes all sleepers. The caller owns the lock. If it releases the lock
/// afterwards, the release finds another word than it expects, and changes nothing.
pub(crate) fn retire(word: &AtomicU64, kernel: impl Kernel) {
    // Release: a thread that finds the lock retired sees everything that its last owner did. Acquire: pairs with `call_back`.
    if word.swap(RETIRED, Ordering::AcqRel) & WAITERS != 0 {
        kernel.wake_all(word);
    }
}

/// Makes the lock one that no thread takes again, while no process uses it.
pub(crate) fn keep_retired(word: &AtomicU64) {
    word.store(RETIRED, Ordering::Release);
}

/// Returns whether the lock is retired.
pub(crate) fn is_retired(word: &AtomicU64) -> bool {
    // Acquire: pairs with `retire`.
    is_retired_by(word.load(Ordering::Acquire))
}

/// Returns whether a word is that of a retired lock.
pub(crate) fn is_retired_by(word: u64) -> bool {
    word & THREAD == RETIRED
}

/// Returns the id of the thread that holds the lock, in that thread's PID namespace; `None` if the lock is free.
pub(crate) fn owner(word: &AtomicU64) -> Option<u32> {
    let (_, thread) = process_and_thread(word.load(Ordering::Relaxed));
    (thread != 0).then_some(thread)
}

/// Marks the caller as dead in the lock word, as the kernel would if the thread died, and withdraws the announcement. The
/// caller has announced the lock to the kernel.
pub(crate) fn die(word: &AtomicU64, owner: u64, kernel: impl Kernel) {
    let died = mark_dead(word, owner);
    kernel.retract();
    if died.is_some_and(|seen| seen & WAITERS != 0) {
        kernel.wake_one(word);
    }
}

/// Marks the owner as dead, if the lock has an owner; frees a retired lock. Wakes no sleepers.
pub(crate) fn abandon(word: &AtomicU64) {
    match word.load(Ordering::Relaxed) & THREAD {
        0 => {}
        RETIRED => word.store(0, Ordering::Release),
        _ => word.store(OWNER_DIED, Ordering::Release),
    }
}

/// Marks an owner that does not exist any more as dead, if the word still names it. Wakes no sleepers: they look again by
/// themselves.
#[cold]
pub(crate) fn bury(word: &AtomicU64, owner: u64) {
    mark_dead(word, owner);
}

/// How often `mark_dead` tries. Under one owner the word changes once: a waiter sets the waiters bit.
const TRIES: u32 = 4;

/// Marks the owner as dead, if the word still names it. Returns the word as it was before.
///
/// A peer that changes the word all the time makes it give up: the dead owner then stays in the word, and each waiter asks
/// again whether that owner exists.
fn mark_dead(word: &AtomicU64, owner: u64) -> Option<u64> {
    for _ in 0..TRIES {
        let seen = word.load(Ordering::Relaxed);
        if seen & OWNER != owner {
            return None;
        }
        let died = OWNER_DIED | (seen & WAITERS);
        // Release: the dead owner is this thread, or the kernel has ended it before it told this thread. So this thread has
        // all writes of the owner, and the next owner, which acquires this store, gets them too.
        if word.compare_exchange(seen, died, Ordering::Release, Ordering::Relaxed).is_ok() {
            return Some(seen);
        }
    }
    None
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const OWNER_HERE: u64 = 7 << 32 | 5;

    /// An operating system beside a peer that changes a free word each time before this thread can take it.
    #[derive(Clone, Copy)]
    struct Hostile<'a> {
        word: &'a AtomicU64,
    }

    impl Kernel for Hostile<'_> {
        fn announce(&self) {
            self.word.fetch_add(1 << 32, Ordering::Relaxed);
        }

        fn retract(&self) {}

        fn may_own_elsewhere(&self) -> bool {
            false
        }

        fn wait(&self, _: &AtomicU64, _: u64, _: Duration) {}

        fn wake_one(&self, _: &AtomicU64) {}

        fn wake_all(&self, _: &AtomicU64) {}

        fn is_replaced(&self, _: &AtomicU64) -> bool {
            false
        }

        fn is_gone(&self, _: &AtomicU64, _: u64) -> bool {
            false
        }

        fn is_interrupted(&self) -> bool {
            false
        }
    }

    /// Without a look at the clock after each failed attempt, a peer that changes a free lock would hold its waiters forever.
    #[test]
    fn a_wait_ends_beside_a_peer_that_changes_a_free_word() {
        let (sender, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for wait in [Wait::Never, Wait::Briefly, Wait::at_most(Duration::from_millis(20))] {
                let word = AtomicU64::new(OWNER_DIED);
                let _ = sender.send(take(&word, OWNER_HERE, wait, Hostile { word: &word }));
            }
        });
        for _ in 0..3 {
            assert_eq!(ended.recv_timeout(Duration::from_secs(20)), Ok(None));
        }
    }
}
