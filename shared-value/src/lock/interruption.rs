//! `interruptible`: waits that end when a signal handler has run.

use std::cell::Cell;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waits go on after a signal.
    Off,
    On,
    /// A signal has ended a sleep, and the wait has not ended yet.
    Interrupted,
}

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State::Off) };
}

/// Runs the closure, and ends a wait in it when a signal handler has run: for programs that have to answer Ctrl-C while they
/// wait for a lock or for a change. Without it, a wait goes on after a signal.
///
/// It is about all waits of this thread, in any function of this library. A wait for a lock fails with
/// [`LockError::Interrupted`](crate::LockError::Interrupted), a wait for a change, or for a value to open, with
/// [`Error::Interrupted`](crate::Error::Interrupted). A call that fails in this way has changed nothing. Reads do not fail. A wait
/// for a pthread mutex is not interrupted.
///
/// A handler that runs on another thread interrupts nothing here, and one that runs right before this thread falls asleep is not
/// noticed. So give the wait a timeout too, and look at what the handler has set before each wait.
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use std::time::Duration;
/// use shared_value::{Error, Guard, LockError, Synchronized, interruptible};
///
/// static STOP: AtomicBool = AtomicBool::new(false); // A signal handler sets it.
///
/// /// Takes the lock; `None` if the program has to stop.
/// fn lock(account: &Synchronized<i64>) -> Result<Option<Guard<'_, i64>>, Error> {
///     while !STOP.load(Ordering::Relaxed) {
///         match interruptible(|| account.lock_timeout(Duration::from_millis(50))) {
///             Err(Error::Lock(LockError::Interrupted | LockError::TimedOut)) => {}
///             locked => return locked.map(Some),
///         }
///     }
///     Ok(None)
/// }
///
/// let account = Synchronized::new(100_i64)?;
/// assert!(lock(&account)?.is_some());
/// # Ok::<(), Error>(())
/// ```
pub fn interruptible<R>(work: impl FnOnce() -> R) -> R {
    let _restore = Restore(STATE.replace(State::On));
    work()
}

/// Puts the state back.
struct Restore(State);

impl Drop for Restore {
    fn drop(&mut self) {
        STATE.set(self.0);
    }
}

/// Notes that a signal has ended a sleep of this thread.
pub(crate) fn note() {
    if STATE.get() == State::On {
        STATE.set(State::Interrupted);
    }
}

/// Returns whether the wait of this thread must end: a signal has ended a sleep in it.
pub(crate) fn is_noted() -> bool {
    STATE.get() == State::Interrupted
}

/// Returns what `is_noted` returns, and forgets the signal: for a wait that ends now.
#[cold]
pub(crate) fn take() -> bool {
    let is_noted = is_noted();
    if is_noted {
        STATE.set(State::On);
    }
    is_noted
}
