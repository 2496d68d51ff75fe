//! `interruptible`: waits that end when a signal handler has run.

use std::cell::Cell;
use std::time::Duration;

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
    /// How long a sleep for a lock, a commit or a socket may last.
    static LONGEST: Cell<Duration> = const { Cell::new(Duration::MAX) };
}

/// Runs the closure, and ends a wait in it when a signal handler has run: for programs that have to answer Ctrl-C while they
/// wait for a lock or for a change. Without it, a wait goes on after a signal.
///
/// It is about all waits of this thread, in any function of this library. A wait for a lock fails with
/// [`LockError::Interrupted`](crate::LockError::Interrupted), a wait for a change, for a value to open, or for a socket, with
/// [`Error::Interrupted`](crate::Error::Interrupted). A call that fails in this way has changed nothing. Reads do not fail. A wait
/// for a pthread mutex is not interrupted.
///
/// A handler that runs on another thread interrupts nothing here, and one that runs right before this thread falls asleep is not
/// noticed. So give the wait a timeout too, or use [`interruptible_within`], and look at what the handler has set before each wait.
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
    interruptible_within(Duration::MAX, work)
}

/// Runs the closure as [`interruptible`] does, and also ends a wait in it after a sleep of `longest`: for calls without a timeout, in
/// programs where a handler may run on another thread, or right before this thread falls asleep.
///
/// This is about sleeps for a lock, for a change and for a socket. A wait may end earlier, and if it did not have to sleep it may take
/// longer.
///
/// ```
/// use std::time::Duration;
/// use shared_value::{Arena, Error, LockError, interruptible_within};
///
/// let arena = Arena::new(1 << 16)?;
/// let number = arena.insert("number", 1)?;
/// let guard = number.lock()?;
/// # std::thread::scope(|scope| scope.spawn(|| {
/// // In another thread:
/// let waited = interruptible_within(Duration::from_millis(20), || arena.transaction(|tx| tx.lock(&number)?.set(2)));
/// assert!(matches!(waited, Err(Error::Lock(LockError::Interrupted))));
/// # }).join()).unwrap();
/// # drop(guard);
/// # Ok::<(), Error>(())
/// ```
pub fn interruptible_within<R>(longest: Duration, work: impl FnOnce() -> R) -> R {
    let _restore = Restore { state: STATE.replace(State::On), longest: LONGEST.replace(longest) };
    work()
}

/// Puts the state back.
struct Restore {
    state: State,
    longest: Duration,
}

impl Drop for Restore {
    fn drop(&mut self) {
        STATE.set(self.state);
        LONGEST.set(self.longest);
    }
}

/// Sleeps by the closure for at most `timeout`, or for a shorter time if the wait must end then. The closure returns an error if a
/// signal has ended the sleep.
pub(crate) fn sleep<E>(timeout: Duration, sleep: impl FnOnce(Duration) -> Result<(), E>) {
    let longest = LONGEST.get();
    // The one that waits looks once more at what it waits for before it asks whether its wait must end.
    if sleep(timeout.min(longest)).is_err() || longest < timeout {
        note();
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
