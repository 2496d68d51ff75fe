//! Takes and releases, within one function, the only lock that the thread holds.
//!
//! The compare-and-swap that releases a lock waits until all stores before it have left the processor. A lock that is not
//! handed out as a guard can do with fewer stores:
//!
//! | runs under the lock | the kernel finds the lock by | the thread's record says |
//! |---|---|---|
//! | only a copy | the announcement | nothing, because no code that runs under the lock reads the record |
//! | a closure | the list | that the thread holds the lock, and that the value is borrowed |
//!
//! An announcement may stand for any length of time: if the thread dies, the kernel checks whether the thread owns the lock.
//! But a thread can announce only one lock at a time. A closure may take others, of this library and of the C library, which
//! announce their locks and then withdraw the announcement. So under a closure the list must hold the lock. An announcement
//! in addition to the list would be no safer: the kernel handles the announced lock after the whole list, and not at all if
//! a peer has overwritten a `next` pointer.
#![allow(unsafe_code)]

use crate::lock::line::LockLine;
use crate::lock::{
    Acquired, Announcing, Mark, Overwritten, Refusal, Thread, acquire_linked, list, release_linked,
    release_one_of_many, set_mark, take,
};
use crate::protocol::fault;
use crate::protocol::lock_word::{self, Wait};

/// Takes the lock for code that neither takes a lock, nor ends the thread, nor asks which locks the thread holds.
///
/// # Errors
/// `WouldBlock` or `TimedOut` if the wait is over, `Retired` if no thread takes the lock again. Then nothing was taken.
///
/// # Safety
/// - `thread` is the calling thread and holds no lock.
/// - The lock stays mapped until it is released.
#[inline(always)]
pub(crate) unsafe fn acquire(thread: Thread, line: &LockLine, wait: Wait) -> Result<Acquired, Refusal> {
    take(thread, line, wait)
}

/// Undoes an `acquire`. Returns `true` if a thread waits for the lock or for a commit of the value.
///
/// # Errors
/// `Overwritten` if another process overwrote the lock.
///
/// # Safety
/// `acquire` took the lock for this thread, and no other `release` belongs to the same `acquire`.
#[inline(always)]
pub(crate) unsafe fn release(thread: Thread, line: &LockLine) -> Result<bool, Overwritten> {
    if fault::is_chosen("unlink_unannounced") {
        thread.list().retract();
    }
    lock_word::release(&line.word, thread.owner(), Announcing::of(thread, line)).map_err(|_| Overwritten)
}

/// Takes the lock for any closure, while the value counts as borrowed.
///
/// # Errors
/// The errors of `acquire`.
///
/// # Safety
/// - `thread` is the calling thread and holds no lock.
/// - The lock stays mapped at its address while it is held: until `release_borrowed`, or, if that does not happen, as long
///   as `is_any_held_within` finds the lock.
#[inline(always)]
pub(crate) unsafe fn acquire_borrowed(thread: Thread, line: &LockLine, wait: Wait) -> Result<Acquired, Refusal> {
    // SAFETY: the caller promises that this is the calling thread, and that the lock stays mapped while it is held.
    unsafe { acquire_linked(thread, line, wait, |held| held.push_only(line, Mark::Borrowed)) }
}

/// Undoes an `acquire_borrowed`. Returns `true` if a thread waits for the lock or for a commit of the value.
///
/// # Errors
/// `Overwritten` if another process overwrote the lock or its list pointers. The lock is released nevertheless, unless
/// another thread holds it now.
///
/// # Safety
/// `acquire_borrowed` took the lock for this thread, and no other `release_borrowed` belongs to the same `acquire_borrowed`.
#[inline(always)]
pub(crate) unsafe fn release_borrowed(thread: Thread, line: &LockLine) -> Result<bool, Overwritten> {
    if !thread.held().is_only(line, Mark::Borrowed) {
        // The closure has leaked guards.
        set_mark(thread, line, Mark::None);
        // SAFETY: the caller promises that this thread holds the lock by an `acquire_borrowed`, which is undone only here.
        return unsafe { release_one_of_many(thread, line, |_| {}) };
    }
    let released = release_linked(thread, line, || list::unlink_only(thread, line));
    thread.held().pop_only(Mark::Borrowed);
    released
}
