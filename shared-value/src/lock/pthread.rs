//! Holding a pthread mutex, which programs in other languages can take too. The C library does the locking; this counts
//! holds, because a mutex that counts them itself goes by thread ids, which repeat in other PID namespaces.
//!
//! The line of a value that is guarded so stands for the mutex in the thread's record; its lock word is not used.
#![allow(unsafe_code)]

use crate::lock::held::MAX_HELD;
use crate::lock::line::LockLine;
use crate::lock::{Acquired, LockState, Mark, Refusal, Thread, Wait, again, holds};
use crate::protocol::atomics::{Ordering::Relaxed, Ordering::SeqCst, fence};
use crate::sys::mutex::{Mutex, Outcome};

/// Takes the mutex, or takes it once more.
///
/// # Safety
/// - `thread` is the calling thread.
/// - The mutex belongs to `line`, and both stay mapped while it is held: until as many calls of `release`, or as long as
///   `is_any_held_within` says so.
pub(crate) unsafe fn acquire(thread: Thread, line: &LockLine, mutex: &Mutex, wait: Wait) -> Result<Acquired, Refusal> {
    let held = thread.mutexes();
    if let Some(index) = held.find(line) {
        return again(held, index);
    }
    if held.length() + thread.held().length() >= MAX_HELD {
        return Err(Refusal::TooManyHeld);
    }
    let outcome = loop {
        let outcome = match wait {
            Wait::Never => mutex.try_lock(),
            // First without a look at the clock, which would cost more than the rest. Then also for ever in pieces: a wake-up
            // is lost when an owner is killed between letting go and waking, and another has taken the mutex before the
            // kernel looks.
            Wait::Briefly | Wait::Forever | Wait::Until(_) => match mutex.try_lock() {
                Outcome::Busy => wait.remaining().map_or(Outcome::Busy, |timeout| mutex.lock_within(timeout)),
                outcome => outcome,
            },
        };
        // Waits are cut into pieces.
        if outcome != Outcome::Busy || wait.remaining().is_none() {
            break outcome;
        }
    };
    let acquired = match outcome {
        Outcome::Taken => Acquired::First,
        Outcome::TakenOver => Acquired::TakenOver,
        Outcome::Busy if matches!(wait, Wait::Never) => return Err(Refusal::WouldBlock),
        Outcome::Busy => return Err(Refusal::TimedOut),
        Outcome::Failed(code) => return Err(Refusal::Mutex(code.into())),
    };
    held.push(line);
    thread.held().add_further();
    if acquired == Acquired::TakenOver {
        // If this thread dies before the count is right, the next owner counts both deaths as one.
        line.recoveries.store(line.recoveries.load(Relaxed).wrapping_add(1), Relaxed);
    }
    Ok(acquired)
}

/// Undoes one `acquire`; before the last one is undone, `before_release` runs, still under the mutex. `true` if that was
/// the last one: somebody may wait for a change then.
///
/// # Errors
/// `Mutex` if the C library finds that it is not this thread's.
///
/// # Safety
/// `thread` is the calling thread, holds the mutex, and no other `release` belongs to the same `acquire`.
pub(crate) unsafe fn release(
    thread: Thread,
    line: &LockLine,
    mutex: &Mutex,
    before_release: impl FnOnce(Mark),
) -> Result<bool, Refusal> {
    let held = thread.mutexes();
    // Always found while callers keep their promise.
    let index = held.find(line).ok_or(Refusal::Corrupted)?;
    if held.rise(index) {
        return Ok(false);
    }
    before_release(held.get(index).mark());
    held.remove(index);
    thread.held().remove_further();
    mutex.unlock().map_err(|()| Refusal::Corrupted)?;
    // The mutex does not tell whether somebody waits for a change. Whoever does so sets the waiting bit of the signal word
    // and looks at the version, with the same fence between (`call_back`): one of the two sees what the other did.
    fence(SeqCst);
    Ok(true)
}

/// The state of the lock now. The owner is known only where glibc is the C library.
pub(crate) fn state(line: &LockLine, mutex: &Mutex) -> LockState {
    if holds(line) {
        return LockState::HeldHere;
    }
    mutex.owner().map_or(LockState::Free, |thread_id| LockState::Held { thread_id })
}

/// Comes between announcing a wait for a change and looking for one.
pub(crate) fn call_back() {
    fence(SeqCst);
}
