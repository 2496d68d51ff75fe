//! The lock word: a state machine that processes and the kernel advance together.
//!
//! It is 64 bits long, as all words of shared memory are, so that nothing there is ever accessed in two sizes. The kernel
//! looks at its lower half, and changes that alone.
//!
//! | bits | name | meaning | who sets it |
//! |---|---|---|---|
//! | 0-29 | owner | kernel id of the thread that holds the lock; 0: free | the new owner, by compare-and-swap |
//! | 30 | owner died | the last owner died with the lock | the kernel, clearing the owner |
//! | 31 | waiters | somebody may sleep on the word | a waiter before it sleeps, or an owner that had slept |
//! | 32-63 | (spare) | nothing | nobody: zero, and whoever changes the rest leaves them as they are |
//!
//! | owner | owner died | waiters | state |
//! |---|---|---|---|
//! | 0 | 0 | 0 | free |
//! | 0 | 1 | any | free; what the dead owner did not commit must be rolled back |
//! | id | 0 | 0 | held |
//! | id | 0 | 1 | held; releasing it wakes one sleeper |
//!
//! Other combinations come from a process that does not keep to this protocol. None is trusted: an owner of 0 is taken
//! as free, any other as held. Spare bits that are set cost the short ways, which are for words without them, and mean
//! nothing else.

use std::time::{Duration, Instant};

use crate::protocol::atomics::{AtomicU64, Ordering, spin_loop};

const OWNER: u64 = 0x3fff_ffff;
pub(crate) const OWNER_DIED: u64 = 0x4000_0000;
pub(crate) const WAITERS: u64 = 0x8000_0000;
const SPARE: u64 = 0xffff_ffff_0000_0000;

/// How often a waiter looks at a held word before it sleeps.
const LOOKS: u32 = if cfg!(loom) { 0 } else { 30 };

/// How many pauses lie before the first look and, twice as many each time, before the later ones, up to a most.
///
/// Long pauses leave the cache line with its owner, who finishes sooner; short ones find out sooner that it has.
const FIRST_PAUSES: u32 = 16;
const MOST_PAUSES: u32 = 64;

/// The longest sleep between two looks at the word.
///
/// A sleeper that was woken and is killed before it takes the lock takes the wake-up with it. Announcing the lock to
/// the kernel while asleep would mend that, but a sleeper with the same thread id as the owner, in another PID
/// namespace, would then be taken for the owner when it is killed. So the others look for themselves, now and then.
pub(crate) const LONGEST_SLEEP: Duration =
    Duration::from_millis(if cfg!(shared_value_fault = "sleep_through") { 3_600_000 } else { 50 });

/// How long to wait for a lock.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    Never,
    /// As long as it is looked at before a sleep.
    Briefly,
    Until(Instant),
    Forever,
}

impl Wait {
    /// For so long from now; for ever if that is beyond what the clock can say.
    pub(crate) fn at_most(timeout: Duration) -> Self {
        Instant::now().checked_add(timeout).map_or(Self::Forever, Self::Until)
    }

    /// How long a sleep may last, or `None` if the time is over.
    pub(crate) fn remaining(self) -> Option<Duration> {
        match self {
            Self::Never | Self::Briefly => None,
            Self::Forever => Some(LONGEST_SLEEP),
            Self::Until(deadline) => {
                let remaining = deadline.saturating_duration_since(Instant::now());
                (!remaining.is_zero()).then(|| remaining.min(LONGEST_SLEEP))
            }
        }
    }
}

/// What the word needs of the operating system; models replace it. Passed by value, so that it stays in registers.
pub(crate) trait Kernel: Copy {
    /// Tells the kernel that this thread may own the lock from now on.
    fn announce(&self);
    /// Takes that back.
    fn retract(&self);
    /// Sleeps while the lower half of the word is that of `expected`, at most for `timeout`.
    fn wait(&self, word: &AtomicU64, expected: u64, timeout: Duration);
    /// Wakes one sleeper.
    fn wake_one(&self, word: &AtomicU64);
}

/// The lock was had; the kernel's announcement still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The last owner died with the lock.
    pub(crate) owner_died: bool,
}

/// The word was not this thread's when it let go of it.
#[derive(Debug)]
pub(crate) struct Stolen;

/// Takes the lock for the thread, or `None` if the wait is over.
///
/// Taking is an acquire operation: it sees all that the owners before did, in whatever way each lost the lock. One
/// that released it did so with release ordering; one that died was stopped by the kernel, which then changed the word
/// with a full barrier.
#[inline(always)]
pub(crate) fn take(word: &AtomicU64, thread_id: u32, wait: Wait, kernel: impl Kernel) -> Option<Taken> {
    // An announcement of a lock that another thread holds is best avoided, because that thread may have the same id, in
    // another PID namespace. Who is not going to wait may come again and again.
    if matches!(wait, Wait::Never) && word.load(Ordering::Relaxed) & OWNER != 0 {
        return None;
    }
    kernel.announce();
    if word.compare_exchange(0, thread_id.into(), Ordering::Acquire, Ordering::Relaxed).is_ok() {
        return Some(Taken { owner_died: false });
    }
    kernel.retract();
    take_contended(word, thread_id, wait, kernel)
}

#[cold]
fn take_contended(word: &AtomicU64, thread_id: u32, wait: Wait, kernel: impl Kernel) -> Option<Taken> {
    // Once this thread has slept, others may still sleep, and the owner that woke it has cleared the waiters bit. So
    // it carries the bit into the word when it takes the lock, or passes the wake-up on when it gives up.
    let mut slept = 0;
    let (mut looks, mut pauses) = (0, FIRST_PAUSES);
    loop {
        let seen = word.load(Ordering::Relaxed);
        if seen & OWNER == 0 {
            kernel.announce();
            let held = u64::from(thread_id) | (seen & !OWNER_DIED) | slept;
            if word.compare_exchange(seen, held, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                return Some(Taken { owner_died: seen & OWNER_DIED != 0 });
            }
            kernel.retract();
            continue;
        }
        if matches!(wait, Wait::Never) {
            return None;
        }
        if looks < LOOKS {
            looks += 1;
            for _ in 0..pauses {
                spin_loop();
            }
            pauses = (2 * pauses).min(MOST_PAUSES);
            continue;
        }
        let Some(timeout) = wait.remaining() else {
            if slept != 0 {
                pass_on(word, kernel);
            }
            return None;
        };
        let marked = seen | WAITERS;
        if seen == marked || word.compare_exchange(seen, marked, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            kernel.wait(word, marked, timeout);
            slept = WAITERS;
            (looks, pauses) = (0, FIRST_PAUSES);
        }
    }
}

/// Gives a wake-up that may have been meant for this thread to another sleeper.
fn pass_on(word: &AtomicU64, kernel: impl Kernel) {
    loop {
        let seen = word.load(Ordering::Relaxed);
        if seen & OWNER == 0 {
            return kernel.wake_one(word);
        }
        let marked = seen | WAITERS;
        if word.compare_exchange(seen, marked, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            return;
        }
    }
}

/// Lets go of the lock, which was announced to the kernel before, and takes the announcement back. `true` if somebody
/// waits, for the lock or for a change of what it guards.
#[inline(always)]
pub(crate) fn release(word: &AtomicU64, thread_id: u32, kernel: impl Kernel) -> Result<bool, Stolen> {
    let released = word.compare_exchange(thread_id.into(), 0, Ordering::Release, Ordering::Relaxed);
    if let Err(seen) = released {
        return release_contended(word, thread_id, seen, kernel);
    }
    kernel.retract();
    Ok(false)
}

#[cold]
fn release_contended(word: &AtomicU64, thread_id: u32, seen: u64, kernel: impl Kernel) -> Result<bool, Stolen> {
    if seen & OWNER != thread_id.into() {
        // Somebody else's lock now; taking it from them would only make matters worse.
        kernel.retract();
        return Err(Stolen);
    }
    // Acquire: pairs with `call_back`, so that who waits for a change is seen to do so.
    let released = word.fetch_and(SPARE, Ordering::AcqRel);
    // Before the wake-up, not after it: from here on, an owner with the same thread id may hold the lock, in
    // another PID namespace, and this thread's death must not count as theirs. If this thread dies before it wakes
    // anybody, the sleepers look for themselves after their longest sleep.
    kernel.retract();
    let waiters = released & WAITERS != 0;
    if waiters {
        kernel.wake_one(word);
    }
    Ok(waiters)
}

/// Sees to it that the next `release` says that somebody waits; see `protocol/event.rs`.
pub(crate) fn call_back(word: &AtomicU64) {
    word.fetch_or(WAITERS, Ordering::AcqRel);
}

/// The id of the thread that holds the lock, in that thread's PID namespace; `None` if it is free.
pub(crate) fn owner(word: &AtomicU64) -> Option<u32> {
    let owner = word.load(Ordering::Relaxed) & OWNER;
    u32::try_from(owner).ok().filter(|owner| *owner != 0)
}

/// Leaves the lock, which was announced to the kernel before, as if the thread had died with it, and takes the
/// announcement back.
pub(crate) fn die(word: &AtomicU64, thread_id: u32, kernel: impl Kernel) {
    let died = word.fetch_update(Ordering::Release, Ordering::Relaxed, |seen| {
        (seen & OWNER == thread_id.into()).then_some(OWNER_DIED | (seen & !OWNER))
    });
    kernel.retract();
    if died.is_ok_and(|seen| seen & WAITERS != 0) {
        kernel.wake_one(word);
    }
}

/// Declares the owner dead, if there is one, without waking anybody.
pub(crate) fn abandon(word: &AtomicU64) {
    let seen = word.load(Ordering::Relaxed);
    if seen & OWNER != 0 {
        word.store(OWNER_DIED | (seen & SPARE), Ordering::Release);
    }
}
