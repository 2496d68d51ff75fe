//! Locks: robust, recursive, shared between processes. They know nothing of what they guard.
#![allow(unsafe_code)]

mod held;
mod line;
mod list;
pub(crate) mod only;
pub(crate) mod pthread;
mod thread;
pub(crate) mod wakeup;

use std::time::Duration;

use crate::error::{Error, LockError};
use crate::protocol::atomics::{AtomicU64, Ordering::Relaxed};
use crate::protocol::lock_word;
use crate::sys;
use crate::sys::robust::RobustList;

#[cfg(feature = "tokio")]
pub(crate) use crate::protocol::lock_word::LONGEST_SLEEP;
pub(crate) use crate::protocol::lock_word::Wait;
pub(crate) use held::Mark;
use held::{Held, HeldList, MAX_DEPTH, MAX_HELD};
pub(crate) use line::LockLine;
use list::Overwritten;
pub(crate) use thread::{Thread, holds, holds_any, is_any_held_within, set_up};

/// What a value's own lock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LockKind {
    /// This library's lock: the fastest, and safe whatever other processes write into the memory.
    #[default]
    Native,
    /// A robust, process-shared `pthread_mutex_t`, which C and C++ programs can take too (docs/format.md says where it lies,
    /// and how to change the value under it).
    ///
    /// It trusts all who may write to the memory: the C library follows pointers in it. So a value with such a lock opens
    /// only where this is asked for, by [`Options::lock_kind`](crate::Options::lock_kind). Processes in different PID
    /// namespaces must not share one, because the C library tells owners apart by their thread ids.
    Pthread,
}

/// How a lock came to be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acquired {
    /// It was free.
    First,
    /// Its owner had died with it.
    TakenOver,
    /// This thread held it already.
    Again,
}

/// Why a lock was not taken, or was not what it should be: small, because it comes back from the fastest paths. Its tag is as
/// large as a pointer: a smaller one in the place of a hold's first pointer would have that stored in two halves, and loading
/// it as a whole then waits until both have left the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Refusal {
    WouldBlock,
    TimedOut,
    TooManyHeld,
    TooDeep,
    Borrowed,
    Unwound,
    Corrupted,
    /// A lock that is not recursive, taken twice.
    AlreadyHeld,
    /// A guard that was taken before a fork, used in the child.
    NotHeld,
    /// What the C library says of a pthread mutex.
    Mutex(i64),
    NoRobustList,
    NoThread,
}

impl From<Refusal> for Error {
    #[cold]
    #[inline(never)]
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::WouldBlock => LockError::WouldBlock.into(),
            Refusal::TimedOut => LockError::TimedOut.into(),
            Refusal::TooManyHeld => LockError::TooManyHeld { limit: MAX_HELD }.into(),
            Refusal::TooDeep => LockError::TooDeep { limit: MAX_DEPTH }.into(),
            Refusal::Borrowed => Self::Borrowed,
            Refusal::Unwound => Self::Unwound,
            Refusal::Corrupted => LockError::Corrupted.into(),
            Refusal::AlreadyHeld => LockError::AlreadyHeld.into(),
            Refusal::NotHeld => LockError::NotHeld.into(),
            Refusal::Mutex(code) => Self::io("take a pthread mutex", os_error(code)),
            Refusal::NoRobustList => LockError::Unsupported {
                what: "the native lock needs the robust list that 64-bit glibc registers for each thread; \
                       this C library has none of that form",
            }
            .into(),
            Refusal::NoThread => LockError::Unsupported {
                what: "a thread that locks needs 8 random bytes (getrandom) and a fork hook (pthread_atfork)",
            }
            .into(),
        }
    }
}

fn os_error(code: i64) -> std::io::Error {
    i32::try_from(code).map_or_else(std::io::Error::other, std::io::Error::from_raw_os_error)
}

/// Takes the lock, or takes it once more.
///
/// # Safety
/// - `thread` is the calling thread.
/// - The lock stays mapped at its address while it is held: until as many calls of `release`, or as long as
///   `is_any_held_within` says so.
#[inline(always)]
pub(crate) unsafe fn acquire(thread: Thread, line: &LockLine, wait: Wait) -> Result<Acquired, Refusal> {
    if !thread.held().is_clear() {
        if thread.held().is_plain(line) && thread.held().deepen(0) {
            return Ok(Acquired::Again);
        }
        // SAFETY: as promised by the caller.
        return unsafe { acquire_one_of_many(thread, line, wait) };
    }
    // SAFETY: as promised by the caller.
    unsafe { acquire_linked(thread, line, wait, |held| held.push_only(line, Mark::None)) }
}

/// Takes the lock, or takes it once more, where the thread holds a lock already.
///
/// # Safety
/// As `acquire`.
#[cold]
#[inline(never)]
unsafe fn acquire_one_of_many(thread: Thread, line: &LockLine, wait: Wait) -> Result<Acquired, Refusal> {
    let held = thread.held();
    if let Some(index) = held.find(line) {
        return again(held, index);
    }
    if held.length() + thread.mutexes().length() >= MAX_HELD {
        return Err(Refusal::TooManyHeld);
    }
    // SAFETY: as promised by the caller.
    unsafe { acquire_linked(thread, line, wait, |held| held.push(line)) }
}

/// Takes once more the lock at an index of the list.
fn again(held: &HeldList, index: usize) -> Result<Acquired, Refusal> {
    if held.deepen(index) { Ok(Acquired::Again) } else { Err(Refusal::TooDeep) }
}

/// Takes a lock that the thread does not hold, links it, and lets `push` enter it into the thread's record.
///
/// # Safety
/// As `acquire`.
#[inline(always)]
unsafe fn acquire_linked(
    thread: Thread,
    line: &LockLine,
    wait: Wait,
    push: impl FnOnce(&HeldList),
) -> Result<Acquired, Refusal> {
    let acquired = take(thread, line, wait)?;
    // SAFETY: the caller keeps the lock mapped while it is held.
    unsafe { list::link(thread, line) };
    push(thread.held());
    thread.list().retract();
    Ok(acquired)
}

/// Takes a lock that the thread does not hold. The announcement to the kernel still stands.
#[inline(always)]
fn take(thread: Thread, line: &LockLine, wait: Wait) -> Result<Acquired, Refusal> {
    let Some(taken) = lock_word::take(&line.word, thread.id(), wait, Announcing::of(thread, line)) else {
        return Err(if matches!(wait, Wait::Never) { Refusal::WouldBlock } else { Refusal::TimedOut });
    };
    if cfg!(shared_value_fault = "retract_first") {
        thread.list().retract();
    }
    if !taken.owner_died {
        return Ok(Acquired::First);
    }
    // If this thread dies before the count is right, the next owner counts both deaths as one.
    line.recoveries.store(line.recoveries.load(Relaxed).wrapping_add(1), Relaxed);
    Ok(Acquired::TakenOver)
}

/// Undoes one `acquire`; before the last one is undone, `before_release` runs, still under the lock. `true` if that was
/// the last one, and somebody waits for the lock or for a change of what it guards.
///
/// # Errors
/// `Corrupted` if another process overwrote the lock or its list pointers. It is released all the same, unless another
/// thread holds it now.
///
/// # Safety
/// `thread` is the calling thread, holds the lock, and no other `release` belongs to the same `acquire`.
#[inline(always)]
pub(crate) unsafe fn release(
    thread: Thread,
    line: &LockLine,
    before_release: impl FnOnce(Mark),
) -> Result<bool, Refusal> {
    let held = thread.held();
    if !held.is_only(line, Mark::None) {
        if held.is_plain(line) && held.rise(0) {
            return Ok(false);
        }
        // SAFETY: as promised by the caller.
        return unsafe { release_one_of_many(thread, line, before_release) };
    }
    before_release(Mark::None);
    let released = release_linked(thread, line, || list::unlink_only(thread, line));
    held.pop_only(Mark::None);
    released
}

#[inline(never)]
unsafe fn release_one_of_many(
    thread: Thread,
    line: &LockLine,
    before_release: impl FnOnce(Mark),
) -> Result<bool, Refusal> {
    // Always found while callers keep their promise.
    let index = thread.held().find(line).ok_or(Refusal::Corrupted)?;
    if thread.held().rise(index) {
        return Ok(false);
    }
    before_release(thread.held().get(index).mark());
    // SAFETY: all locks in the record were linked by `acquire`, whose caller keeps them mapped.
    let released = release_linked(thread, line, || unsafe { list::unlink(thread, index) });
    thread.held().remove(index);
    released
}

/// Lets `unlink` take a lock out of the robust list, and lets go of it. The thread's record is to follow.
#[inline(always)]
fn release_linked(
    thread: Thread,
    line: &LockLine,
    unlink: impl FnOnce() -> Result<(), Overwritten>,
) -> Result<bool, Refusal> {
    let kernel = Announcing::of(thread, line);
    // From here on, the announcement stands in for the entry that is taken out of the list.
    if !cfg!(shared_value_fault = "unlink_unannounced") {
        thread.list().announce(line.node());
    }
    let released_first =
        cfg!(shared_value_fault = "release_first").then(|| lock_word::release(&line.word, thread.id(), kernel));
    let unlinked = unlink();
    let released = released_first.unwrap_or_else(|| lock_word::release(&line.word, thread.id(), kernel));
    if unlinked.is_ok() { released.map_err(|_| Refusal::Corrupted) } else { Err(Refusal::Corrupted) }
}

/// Leaves all locks that the calling thread holds as if it had died with them.
fn die_with_all(thread: Thread) {
    while let Some(index) = thread.held().length().checked_sub(1) {
        // SAFETY: the record holds the lock, so `acquire`'s caller keeps it mapped.
        let line = unsafe { &*thread.held().get(index).line() };
        let kernel = Announcing::of(thread, line);
        thread.list().announce(line.node());
        // SAFETY: as above, for all of them. There is nobody to tell of an overwritten lock.
        let _ = unsafe { list::unlink(thread, index) };
        lock_word::die(&line.word, thread.id(), kernel);
        thread.held().remove(index);
    }
}

/// Whether the thread is known to hold this lock once, and to have noted nothing about it.
///
/// As all that follows it is asked of a thread that is known to be the same as before: after a `fork`, the child's own hold would
/// answer for the one that it was carried away from.
#[inline(always)]
pub(crate) fn is_plain(thread: Thread, line: &LockLine) -> bool {
    thread.held().is_plain(line)
}

/// What the calling thread has noted about a lock that it holds.
#[inline(always)]
pub(crate) fn mark(thread: Thread, line: &LockLine) -> Mark {
    if is_plain(thread, line) { Mark::None } else { mark_of_one(thread, line) }
}

#[inline(never)]
fn mark_of_one(thread: Thread, line: &LockLine) -> Mark {
    thread.find(line).map_or(Mark::None, Held::mark)
}

/// Notes something about a lock that the calling thread holds.
#[inline(never)]
pub(crate) fn set_mark(thread: Thread, line: &LockLine, mark: Mark) {
    if let Some(held) = thread.find(line) {
        held.set_mark(mark);
    }
}

/// Whether the calling thread holds the lock for a transaction, besides the hold that asks.
#[inline(always)]
pub(crate) fn is_joined(thread: Thread, line: &LockLine) -> bool {
    !is_plain(thread, line) && is_joined_by(thread, line)
}

/// Whether the calling thread holds the lock for a transaction.
#[inline(never)]
pub(crate) fn is_joined_by(thread: Thread, line: &LockLine) -> bool {
    thread.find(line).is_some_and(Held::is_joined)
}

/// Notes that the calling thread holds the lock for a transaction, or does no more.
pub(crate) fn set_joined(thread: Thread, line: &LockLine, is_joined: bool) {
    if let Some(held) = thread.find(line) {
        held.set_joined(is_joined);
    }
}

/// Whether the calling thread has taken the lock once, so that the next `release` is the last.
pub(crate) fn is_last_hold(thread: Thread, line: &LockLine) -> bool {
    thread.find(line).is_some_and(|held| held.depth() == 0)
}

/// The state of a lock at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockState {
    /// Nobody holds it.
    Free,
    /// The calling thread holds it.
    HeldHere,
    /// Another thread, of this or another process, holds it.
    Held {
        /// The kernel's id of that thread, in its own PID namespace.
        thread_id: u32,
    },
    /// Whatever it is, this handle cannot see it: it is for reading, and the value is guarded by a lock object.
    Unknown,
}

/// The state of the lock now; it may be another before the caller looks at it.
pub(crate) fn state(line: &LockLine) -> LockState {
    if holds(line) {
        return LockState::HeldHere;
    }
    lock_word::owner(&line.word).map_or(LockState::Free, |thread_id| LockState::Held { thread_id })
}

/// Sees to it that the next last `release` of the lock says that somebody waits.
pub(crate) fn call_back(line: &LockLine) {
    lock_word::call_back(&line.word);
}

/// Makes a lock free whose owner is known to be gone without the kernel having noticed. The next one takes over.
///
/// For a segment that nobody has open: after a crash of the whole machine, or in a copy of a file.
pub(crate) fn abandon(line: &LockLine) {
    lock_word::abandon(&line.word);
}

/// Announces one lock to the kernel that walks the thread's robust list.
#[derive(Clone, Copy)]
struct Announcing {
    list: RobustList,
    node: u64,
}

impl Announcing {
    #[inline(always)]
    fn of(thread: Thread, line: &LockLine) -> Self {
        Self { list: thread.list(), node: line.node() }
    }
}

impl lock_word::Kernel for Announcing {
    #[inline]
    fn announce(&self) {
        if !cfg!(shared_value_fault = "link_unannounced") {
            self.list.announce(self.node);
        }
    }

    #[inline]
    fn retract(&self) {
        self.list.retract();
    }

    fn wait(&self, word: &AtomicU64, expected: u64, timeout: Duration) {
        sys::futex::wait(word, expected, timeout);
    }

    fn wake_one(&self, word: &AtomicU64) {
        sys::futex::wake_one(word);
    }
}
