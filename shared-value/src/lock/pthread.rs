//! Takes and releases pthread mutexes, which programs in other languages can take too.
//!
//! The C library does the locking. The thread's record counts the holds, because a recursive mutex would know its owner by a
//! thread id, and ids repeat in other PID namespaces. In the record, the lock line of the value represents the mutex; the
//! lock word in that line is not used.
#![allow(unsafe_code)]

use crate::lock::held::MAX_HELD;
use crate::lock::line::LockLine;
use crate::lock::{Acquired, LockState, Mark, Overwritten, Refusal, Thread, Wait, again, holds, list, set_mark};
use crate::protocol::atomics::{Ordering::Relaxed, Ordering::SeqCst, fence};
use crate::sys::mutex::{Mutex, Outcome};

/// Takes the mutex, or takes it once more.
///
/// # Safety
/// - `thread` is the calling thread.
/// - The mutex belongs to `line`, and both stay mapped while it is held: until each `acquire` is undone by a `release`,
///   or, if that does not happen, as long as `is_any_held_within` finds the lock.
pub(crate) unsafe fn acquire(thread: Thread, line: &LockLine, mutex: &Mutex, wait: Wait) -> Result<Acquired, Refusal> {
    let held = thread.mutexes();
    if let Some(index) = held.find(line) {
        return again(held, index);
    }
    if held.length() + thread.held().length() >= MAX_HELD {
        return Err(Refusal::TooManyHeld);
    }
    held.make_room().map_err(|_| Refusal::NoMemory)?;
    let acquired = take(thread, line, mutex, wait)?;
    held.push(line);
    thread.held().add_further();
    Ok(acquired)
}

/// Takes the mutex for code that neither takes a lock, nor ends the thread, nor asks which locks the thread holds: the thread's
/// record does not tell that it is held.
///
/// # Safety
/// - `thread` is the calling thread and holds no lock.
/// - The mutex belongs to `line`, and both stay mapped until `release_only`.
#[inline(always)]
pub(crate) unsafe fn acquire_only(
    thread: Thread,
    line: &LockLine,
    mutex: &Mutex,
    wait: Wait,
) -> Result<Acquired, Refusal> {
    take(thread, line, mutex, wait)
}

/// Takes the mutex for any closure, while the value counts as borrowed.
///
/// # Safety
/// - `thread` is the calling thread and holds no lock.
/// - The mutex belongs to `line`, and both stay mapped while it is held: until `release_borrowed`, or, if that does not
///   happen, as long as `is_any_held_within` finds the lock.
#[inline(always)]
pub(crate) unsafe fn acquire_borrowed(
    thread: Thread,
    line: &LockLine,
    mutex: &Mutex,
    wait: Wait,
) -> Result<Acquired, Refusal> {
    // SAFETY: the caller promises what this asks for.
    let acquired = unsafe { acquire_only(thread, line, mutex, wait) }?;
    thread.mutexes().push_only(line, Mark::Borrowed);
    thread.held().add_further();
    Ok(acquired)
}

/// Takes a mutex that the thread does not hold.
#[inline(always)]
fn take(thread: Thread, line: &LockLine, mutex: &Mutex, wait: Wait) -> Result<Acquired, Refusal> {
    // The C library puts the mutex before all other entries: one of those may get out of the kernel's reach.
    if list::has_entries(thread) {
        find_room(thread)?;
    }
    // This reads no clock, which would cost more than everything else.
    match mutex.try_lock() {
        Outcome::Taken => Ok(Acquired::First),
        outcome => take_slowly(outcome, line, mutex, wait),
    }
}

/// # Errors
/// `TooManyHeld` if the list is too long, and `OtherCopy` if a thread holds locks of another copy of this library.
#[cold]
#[inline(never)]
fn find_room(thread: Thread) -> Result<(), Refusal> {
    list::room(thread).map(drop)
}

/// Goes on after an attempt that has not simply taken the mutex.
#[cold]
#[inline(never)]
fn take_slowly(mut outcome: Outcome, line: &LockLine, mutex: &Mutex, wait: Wait) -> Result<Acquired, Refusal> {
    // It waits in pieces, even forever: a wake-up is lost if an owner is killed between its release and its wake-up, and another
    // thread takes the mutex before the kernel handles that death. Each piece takes at most as long as `remaining` says. If the wait
    // has no end, neither has this loop, unless the mutex is released.
    while outcome == Outcome::Busy
        && let Some(timeout) = wait.remaining()
    {
        outcome = mutex.lock_within(timeout);
    }
    match outcome {
        Outcome::Taken => Ok(Acquired::First),
        Outcome::TakenOver => {
            // If this thread dies before the count is right, the next owner counts both deaths as one.
            line.recoveries.store(line.recoveries.load(Relaxed).wrapping_add(1), Relaxed);
            Ok(Acquired::TakenOver)
        }
        Outcome::Busy if matches!(wait, Wait::Never) => Err(Refusal::WouldBlock),
        Outcome::Busy => Err(Refusal::TimedOut),
        Outcome::Failed(code) => Err(Refusal::Mutex(code.into())),
    }
}

/// Undoes one `acquire`. If it was the last one, calls `before_release`, still under the mutex. Returns `true` if it was the
/// last one: a thread may then wait for a commit of the value.
///
/// # Errors
/// `Overwritten` if the C library finds another owner in the mutex. Also if the thread does not hold the mutex: then nothing
/// happens.
///
/// # Safety
/// `thread` is the calling thread.
pub(crate) unsafe fn release(
    thread: Thread,
    line: &LockLine,
    mutex: &Mutex,
    before_release: impl FnOnce(Mark),
) -> Result<bool, Overwritten> {
    let held = thread.mutexes();
    // Only the record decides what the thread holds.
    let index = held.find(line).ok_or(Overwritten)?;
    if held.rise(index) {
        return Ok(false);
    }
    before_release(held.get(index).mark());
    held.remove(index);
    thread.held().remove_further();
    release_only(mutex)
}

/// Undoes an `acquire_borrowed`. Returns `true`: a thread may wait for a commit of the value.
///
/// # Errors
/// `Overwritten` if the C library finds another owner in the mutex.
///
/// # Safety
/// `acquire_borrowed` took the mutex for this thread, and no other `release_borrowed` belongs to the same `acquire_borrowed`.
#[inline(always)]
pub(crate) unsafe fn release_borrowed(thread: Thread, line: &LockLine, mutex: &Mutex) -> Result<bool, Overwritten> {
    let held = thread.mutexes();
    if !held.is_only(line, Mark::Borrowed) {
        // The closure has leaked guards.
        set_mark(thread, line, Mark::None);
        // SAFETY: the caller promises that this thread holds the mutex by an `acquire_borrowed`, which is undone only here.
        return unsafe { release(thread, line, mutex, |_| {}) };
    }
    held.pop_only(Mark::Borrowed);
    thread.held().remove_further();
    release_only(mutex)
}

/// Undoes an `acquire_only`, or the part of it in another `release`. Returns `true`: a thread may wait for a commit of the
/// value.
///
/// # Errors
/// `Overwritten` if the C library finds another owner in the mutex.
#[inline(always)]
pub(crate) fn release_only(mutex: &Mutex) -> Result<bool, Overwritten> {
    mutex.unlock().map_err(|()| Overwritten)?;
    // The mutex does not tell whether a thread waits for a commit. A waiter sets the waiting bit of the event word, issues
    // the same fence (`call_back`), and loads the version. So this thread sees the bit, or the waiter sees the new version.
    fence(SeqCst);
    Ok(true)
}

/// Returns the state of the mutex at this moment. Without glibc the owner is not known, and a mutex counts as free unless
/// this thread holds it.
pub(crate) fn state(line: &LockLine, mutex: &Mutex) -> LockState {
    if holds(line) {
        return LockState::HeldHere;
    }
    mutex.owner().map_or(LockState::Free, |thread_id| LockState::Held { thread_id })
}

/// Orders the announcement of a waiter before its load of the version.
pub(crate) fn call_back() {
    fence(SeqCst);
}
