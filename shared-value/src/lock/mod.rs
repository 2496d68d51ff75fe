//! Locks: robust, recursive, shared between processes. They know nothing about the values that they guard.
#![allow(unsafe_code)]

mod held;
pub(crate) mod interruption;
pub(crate) mod lanes;
mod line;
mod list;
pub(crate) mod only;
pub(crate) mod process;
pub(crate) mod pthread;
mod refusal;
mod signals;
mod storage;
mod thread;
pub(crate) mod wakeup;

use std::time::Duration;

use crate::protocol::atomics::{AtomicU64, Ordering::Relaxed};
use crate::protocol::fault;
use crate::protocol::lock_word;
use crate::sys;
use crate::sys::robust::RobustList;

pub(crate) use crate::protocol::lock_word::{LONGEST_SLEEP, Wait};
use held::{Held, HeldList};
pub(crate) use held::{MAX_HELD, Mark};
pub(crate) use line::LockLine;
pub(crate) use refusal::{Overwritten, Refusal};
pub(crate) use signals::Signal;
pub(crate) use thread::{Thread, holds, holds_any, holds_within, is_any_held_within, set_up};

/// The kind of a value's own lock.
///
/// ```
/// use shared_value::{LockKind, Synchronized};
///
/// # #[cfg(feature = "pthread")] {
/// let value = Synchronized::<u64>::options().lock_kind(LockKind::Pthread).new(0_u64)?;
/// value.update(|value| *value += 1)?;
/// # }
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LockKind {
    /// This library's lock. It is the fastest one, and safe even if other processes write arbitrary bytes into the memory.
    #[default]
    Native,
    /// A robust, process-shared `pthread_mutex_t`, which C and C++ programs can take too (docs/format.md says where it lies,
    /// and how to change the value under it).
    ///
    /// A program that takes it trusts all processes that may write to the memory, because the C library follows pointers in
    /// it. So a value with such a lock opens only if [`Options::lock_kind`](crate::Options::lock_kind) asks for it.
    /// Processes in different PID namespaces must not share one, because the C library tells owners apart by their thread
    /// ids.
    ///
    /// It needs the feature `pthread` of this crate, which brings in the crate `raw_sync`. A program that is built without
    /// the feature cannot open such a value, not even for reading. It can list and unlink its name.
    #[cfg(feature = "pthread")]
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

/// Takes the lock, or takes it once more.
///
/// # Safety
/// - `thread` is the calling thread.
/// - The lock stays mapped at its address while it is held: until each `acquire` is undone by a `release`, or, if that
///   does not happen, as long as `is_any_held_within` finds the lock.
#[inline(always)]
pub(crate) unsafe fn acquire(thread: Thread, line: &LockLine, wait: Wait) -> Result<Acquired, Refusal> {
    if !thread.held().is_clear() {
        if thread.held().is_plain(line) && thread.held().deepen(0) {
            return Ok(Acquired::Again);
        }
        // SAFETY: the caller promises that this is the calling thread, and that the lock stays mapped while it is held.
        return unsafe { acquire_one_of_many(thread, line, wait) };
    }
    // SAFETY: the caller promises that this is the calling thread, and that the lock stays mapped while it is held.
    unsafe { acquire_linked(thread, line, wait, |held| held.push_only(line, Mark::None)) }
}

/// Takes the lock, or takes it once more, if the thread holds a lock already.
///
/// # Safety
/// - `thread` is the calling thread.
/// - The lock stays mapped at its address while it is held.
#[cold]
#[inline(never)]
unsafe fn acquire_one_of_many(thread: Thread, line: &LockLine, wait: Wait) -> Result<Acquired, Refusal> {
    let held = thread.held();
    if let Some(index) = held.find(line) {
        return again(held, index);
    }
    make_room(thread)?;
    // SAFETY: the caller promises that this is the calling thread, and that the lock stays mapped while it is held.
    unsafe { acquire_linked(thread, line, wait, |held| held.push(line)) }
}

/// Makes sure that the thread can hold one more lock.
fn make_room(thread: Thread) -> Result<(), Refusal> {
    let held = thread.held();
    if held.length() + thread.mutexes().length() >= MAX_HELD {
        return Err(Refusal::TooManyHeld);
    }
    held.make_room().map_err(|_| Refusal::NoMemory)
}

/// Takes the lock for a transaction of the calling thread.
///
/// # Errors
/// `AlreadyHeld` if the thread holds the lock, and the refusals of `acquire`.
///
/// # Safety
/// - `thread` is the calling thread.
/// - The lock stays mapped at its address while it is held: until `release_joined`, or, if that does not happen, as long as
///   `is_any_held_within` finds the lock.
pub(crate) unsafe fn acquire_joined(thread: Thread, line: &LockLine, wait: Wait) -> Result<Acquired, Refusal> {
    if thread.held().find(line).is_some() {
        return Err(Refusal::AlreadyHeld);
    }
    make_room(thread)?;
    // SAFETY: the caller promises that this is the calling thread, and that the lock stays mapped while it is held.
    unsafe { acquire_linked(thread, line, wait, |held| held.push_joined(line)) }
}

/// Takes the lock at an index of the list once more.
fn again(held: &HeldList, index: usize) -> Result<Acquired, Refusal> {
    if held.deepen(index) { Ok(Acquired::Again) } else { Err(Refusal::TooDeep) }
}

/// Takes a lock that the thread does not hold, adds it to the robust list, and lets `push` add it to the thread's record.
///
/// # Safety
/// - `thread` is the calling thread.
/// - The lock stays mapped at its address while it is held.
#[inline(always)]
unsafe fn acquire_linked(
    thread: Thread,
    line: &LockLine,
    wait: Wait,
    push: impl FnOnce(&HeldList),
) -> Result<Acquired, Refusal> {
    if list::has_entries(thread) {
        // SAFETY: the caller promises that this is the calling thread, and that the lock stays mapped while it is held.
        return unsafe { acquire_among_others(thread, line, wait, push) };
    }
    let acquired = take(thread, line, wait)?;
    // SAFETY: the list has no entries: only this thread adds any, and `take` adds none. The caller keeps the lock mapped
    // while it is held.
    unsafe { list::link_only(thread, line) };
    push(thread.held());
    thread.list().retract();
    Ok(acquired)
}

/// Takes a lock as `acquire_linked` does, if the robust list has entries.
///
/// # Safety
/// - `thread` is the calling thread.
/// - The lock stays mapped at its address while it is held.
#[cold]
#[inline(never)]
unsafe fn acquire_among_others(
    thread: Thread,
    line: &LockLine,
    wait: Wait,
    push: impl FnOnce(&HeldList),
) -> Result<Acquired, Refusal> {
    // A refusal must come before the lock is taken, which would lose the note that its last owner died.
    let room = list::room(thread)?;
    let acquired = take(thread, line, wait)?;
    // SAFETY: only this thread changes its list, and `take` does not. The caller keeps the lock mapped while it is held.
    unsafe { list::link(thread, line, &room) };
    push(thread.held());
    thread.list().retract();
    Ok(acquired)
}

/// Takes a lock that the thread does not hold. After success, the announcement to the kernel still stands.
#[inline(always)]
fn take(thread: Thread, line: &LockLine, wait: Wait) -> Result<Acquired, Refusal> {
    let Some(taken) = lock_word::take(&line.word, thread.owner(), wait, Announcing::of(thread, line)) else {
        return Err(match wait {
            _ if lock_word::is_retired(&line.word) => Refusal::Retired,
            Wait::Never => Refusal::WouldBlock,
            Wait::Until(_) | Wait::Forever if interruption::take() => Refusal::Interrupted,
            Wait::Briefly | Wait::Until(_) => Refusal::TimedOut,
            // It never gives up, unless it waits for its own thread, or the lock was retired: a peer may have overwritten the
            // word since.
            Wait::Forever if lock_word::owner(&line.word) != Some(lock_word::process_and_thread(thread.owner()).1) => {
                Refusal::Retired
            }
            Wait::Forever => Refusal::OtherCopy,
        });
    };
    if fault::is_chosen("retract_first") {
        thread.list().retract();
    }
    if !taken.owner_died {
        return Ok(Acquired::First);
    }
    // If this thread dies before the count is right, the next owner counts both deaths as one.
    line.recoveries.store(line.recoveries.load(Relaxed).wrapping_add(1), Relaxed);
    Ok(Acquired::TakenOver)
}

/// Undoes one `acquire`. If it was the last one, calls `before_release`, still under the lock. Returns `true` if it was the
/// last one, and a thread waits for the lock or for a commit of the value.
///
/// # Errors
/// `Overwritten` if another process overwrote the lock or its list pointers. The lock is released nevertheless, unless
/// another thread holds it now. Also if the thread does not hold the lock: then nothing happens.
///
/// # Safety
/// `thread` is the calling thread.
#[inline(always)]
pub(crate) unsafe fn release(
    thread: Thread,
    line: &LockLine,
    before_release: impl FnOnce(Mark),
) -> Result<bool, Overwritten> {
    let held = thread.held();
    if !held.is_only(line, Mark::None) {
        if held.is_plain(line) && held.rise(0) {
            return Ok(false);
        }
        // SAFETY: the caller promises that this is the calling thread.
        return unsafe { release_one_of_many(thread, line, before_release) };
    }
    before_release(Mark::None);
    let released = release_linked(thread, line, || list::unlink_only(thread, line));
    held.pop_only(Mark::None);
    released
}

/// Undoes one `acquire` of a lock that need not be the only one, as `release` does.
///
/// # Safety
/// `thread` is the calling thread.
#[inline(never)]
unsafe fn release_one_of_many(
    thread: Thread,
    line: &LockLine,
    before_release: impl FnOnce(Mark),
) -> Result<bool, Overwritten> {
    // Only the record decides what the thread holds. A live value can be released before the guard that took its lock ends.
    let index = thread.held().find(line).ok_or(Overwritten)?;
    if thread.held().rise(index) {
        return Ok(false);
    }
    before_release(thread.held().get(index).mark());
    release_at(thread, line, index)
}

/// Undoes an `acquire_joined`, if the running thread has made it; otherwise does nothing. Returns `true` if that was the last
/// hold, and a thread waits for the lock or for a commit of the value.
///
/// # Errors
/// `Overwritten`, as for `release`.
///
/// # Safety
/// `thread` is the calling thread.
pub(crate) unsafe fn release_joined(thread: Thread, line: &LockLine) -> Result<bool, Overwritten> {
    let held = thread.held();
    let Some(index) = held.find(line).filter(|index| held.get(*index).is_joined()) else { return Ok(false) };
    if held.rise(index) {
        // A leaked guard holds the lock too.
        held.get(index).set_joined(false);
        return Ok(false);
    }
    release_at(thread, line, index)
}

/// Releases the lock at an index of the thread's record, which the thread holds once.
#[inline]
fn release_at(thread: Thread, line: &LockLine, index: usize) -> Result<bool, Overwritten> {
    // SAFETY: `acquire_linked` has linked all locks in the record; its callers keep them mapped while they are held.
    let released = release_linked(thread, line, || unsafe { list::unlink(thread, index) });
    thread.held().remove(index);
    released
}

/// Lets `unlink` remove a lock from the robust list, and releases the lock. The caller then removes it from the thread's
/// record.
#[inline(always)]
fn release_linked(
    thread: Thread,
    line: &LockLine,
    unlink: impl FnOnce() -> Result<(), Overwritten>,
) -> Result<bool, Overwritten> {
    let kernel = Announcing::of(thread, line);
    // From here on, the announcement stands in for the entry that `unlink` removes.
    if !fault::is_chosen("unlink_unannounced") {
        thread.list().announce(line.node());
    }
    let released_first =
        fault::is_chosen("release_first").then(|| lock_word::release(&line.word, thread.owner(), kernel));
    let unlinked = unlink();
    let released = released_first.unwrap_or_else(|| lock_word::release(&line.word, thread.owner(), kernel));
    if unlinked.is_ok() { released.map_err(|_| Overwritten) } else { Err(Overwritten) }
}

/// Marks all locks that the calling thread holds as left by a dead owner.
fn die_with_all(thread: Thread) {
    while let Some(index) = thread.held().length().checked_sub(1) {
        // SAFETY: the record holds the lock, so the caller of `acquire` keeps it mapped. A lock consists of atomics.
        let line = unsafe { &*thread.held().get(index).line() };
        let kernel = Announcing::of(thread, line);
        thread.list().announce(line.node());
        // SAFETY: `acquire_linked` has linked all locks in the record; its callers keep them mapped while they are held.
        // The error is dropped: no caller is left that could handle an overwritten lock.
        let _ = unsafe { list::unlink(thread, index) };
        lock_word::die(&line.word, thread.owner(), kernel);
        thread.held().remove(index);
    }
}

/// Returns whether the thread is known to hold this lock, with nothing noted about it. May return `false` for a lock that is
/// held: callers then take the slow path.
///
/// For this function and those below, the caller makes sure that the thread has not forked since it took the lock: in the
/// child, the child's own hold would be mistaken for the parent's.
#[inline(always)]
pub(crate) fn is_plain(thread: Thread, line: &LockLine) -> bool {
    thread.held().is_plain(line)
}

/// Returns the mark of a lock that the calling thread holds.
#[inline(always)]
pub(crate) fn mark(thread: Thread, line: &LockLine) -> Mark {
    if is_plain(thread, line) { Mark::None } else { mark_of_one(thread, line) }
}

#[inline(never)]
fn mark_of_one(thread: Thread, line: &LockLine) -> Mark {
    thread.find(line).map_or(Mark::None, Held::mark)
}

/// Sets the mark of a lock that the calling thread holds.
#[inline(never)]
pub(crate) fn set_mark(thread: Thread, line: &LockLine, mark: Mark) {
    if let Some(held) = thread.find(line) {
        held.set_mark(mark);
    }
}

/// Returns whether a transaction of the calling thread holds the lock, besides the caller's own hold.
#[inline(always)]
pub(crate) fn is_joined(thread: Thread, line: &LockLine) -> bool {
    !is_plain(thread, line) && is_one_joined(thread, line)
}

#[inline(never)]
fn is_one_joined(thread: Thread, line: &LockLine) -> bool {
    thread.find(line).is_some_and(Held::is_joined)
}

/// Returns whether one of the native locks that the calling thread holds has this mark.
pub(crate) fn is_any_marked(thread: Thread, mark: Mark) -> bool {
    thread.held().has_any(mark)
}

/// Returns whether the calling thread holds the lock once: the next `release` is then the last one.
pub(crate) fn is_last_hold(thread: Thread, line: &LockLine) -> bool {
    thread.find(line).is_some_and(|held| held.depth() == 0)
}

/// Returns how often the calling thread holds the lock.
pub(crate) fn depth(thread: Thread, line: &LockLine) -> u64 {
    thread.find(line).map_or(0, |held| held.depth() + 1)
}

/// The state of a lock at one moment.
///
/// ```
/// use shared_value::{LockState, Synchronized};
///
/// let value = Synchronized::new(0_u64)?;
/// assert_eq!(value.lock_state(), LockState::Free);
/// let guard = value.lock()?;
/// assert_eq!(value.lock_state(), LockState::HeldHere);
/// # drop(guard);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockState {
    /// No thread holds it.
    Free,
    /// The calling thread holds it.
    HeldHere,
    /// Another thread, of this or another process, holds it.
    Held {
        /// The kernel's id of that thread, in its own PID namespace.
        thread_id: u32,
    },
    /// Another value has [replaced](crate::Synchronized::replace) this one: no thread can take the lock again.
    Retired,
    /// The state is not known, because a read-only handle cannot see the lock object that guards the value.
    Unknown,
}

/// Returns the state of the lock at this moment. It may have changed before the caller uses it.
pub(crate) fn state(line: &LockLine) -> LockState {
    if holds(line) {
        return LockState::HeldHere;
    }
    if lock_word::is_retired(&line.word) {
        return LockState::Retired;
    }
    lock_word::owner(&line.word).map_or(LockState::Free, |thread_id| LockState::Held { thread_id })
}

/// Makes the lock one that no thread takes again, and wakes all that wait for it. The calling thread owns the lock and releases
/// it afterwards: that release fails with `Overwritten`, and so wakes the threads that wait for a change too.
pub(crate) fn retire(thread: Thread, line: &LockLine) {
    lock_word::retire(&line.word, Announcing::of(thread, line));
}

/// Makes the lock one that no thread takes again, while no process has the segment open.
pub(crate) fn keep_retired(line: &LockLine) {
    lock_word::keep_retired(&line.word);
}

/// Makes the next `release` that frees the lock report a waiter.
pub(crate) fn call_back(line: &LockLine) {
    lock_word::call_back(&line.word);
}

/// Returns whether the next `release` that frees the lock will report a waiter.
pub(crate) fn is_called_back(line: &LockLine) -> bool {
    lock_word::is_called_back(&line.word)
}

/// Frees a lock whose owner is gone although the kernel did not mark it. The next owner takes over. Frees a retired lock too.
///
/// For a segment that no process has open: after a crash of the whole machine, or in a copy of a file.
pub(crate) fn abandon(line: &LockLine) {
    lock_word::abandon(&line.word);
}

/// Announces one lock of a thread to the kernel, through the thread's robust list.
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
        if !fault::is_chosen("link_unannounced") {
            self.list.announce(self.node);
        }
    }

    #[inline]
    fn retract(&self) {
        self.list.retract();
    }

    fn may_own_elsewhere(&self) -> bool {
        sys::copies::is_any_held()
    }

    fn wait(&self, word: &AtomicU64, expected: u64, timeout: Duration) {
        interruption::sleep(timeout, |timeout| sys::futex::wait(word, expected, timeout));
    }

    fn wake_one(&self, word: &AtomicU64) {
        sys::futex::wake_one(word);
    }

    fn wake_all(&self, word: &AtomicU64) {
        sys::futex::wake_all(word);
    }

    fn is_replaced(&self, word: &AtomicU64) -> bool {
        process::is_replaced(word.as_ptr().addr())
    }

    fn is_gone(&self, word: &AtomicU64, owner: u64) -> bool {
        process::is_gone(word.as_ptr().addr(), owner)
    }

    fn is_interrupted(&self) -> bool {
        interruption::is_noted()
    }
}
