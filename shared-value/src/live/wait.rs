//! Waiting for a change of a live value, and telling of one.

use std::time::Duration;

use crate::error::Error;
use crate::handle::wait::at_most;
use crate::live::{Live, Plain};
use crate::lock::{interruption, wakeup};
use crate::protocol::atomics::{Ordering, fence};
use crate::protocol::event;

/// Waiting.
impl<C: Plain + ?Sized> Live<C> {
    /// Waits until the condition is true. If it is true already, returns at once.
    ///
    /// The condition is asked again whenever a thread has released the lock, or has called [`notify`](Self::notify). It is asked
    /// without the lock, and may read the value in any way. A release costs nothing more until a thread waits. With a timeout of
    /// zero, the condition is asked once.
    ///
    /// # Errors
    /// - `TimedOut` if the condition was not true before the timeout, by the monotonic clock.
    /// - `WaitUnderLock` if this thread holds the lock, and the condition is not true: no other thread can change the value then.
    /// - `Retired` if another value has taken the place of this one; `Interrupted` if [`interruptible`](crate::interruptible) ends
    ///   the wait.
    ///
    /// ```
    /// use std::time::Duration;
    /// use shared_value::Live;
    ///
    /// let jobs = Live::new(3_u32)?;
    /// let worker = jobs.clone();
    /// std::thread::spawn(move || {
    ///     for _ in 0..3 {
    ///         worker.update(|jobs| *jobs -= 1).unwrap();
    ///     }
    /// });
    /// jobs.wait_until(|| jobs.get() == 0, Duration::from_secs(10))?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn wait_until(&self, mut condition: impl FnMut() -> bool, timeout: Duration) -> Result<(), Error> {
        let wait = at_most(timeout);
        let awaited = || format!("a change of `{}` that fulfils the condition", self.segment_name());
        loop {
            if condition() {
                return Ok(());
            }
            if self.cell.is_held_here() {
                return Err(Error::WaitUnderLock { name: self.segment_name().to_owned() });
            }
            if self.cell.is_replaced() {
                return Err(Error::Retired);
            }
            let Some(timeout) = wait.remaining() else { return Err(Error::TimedOut { awaited: awaited() }) };
            if interruption::take() {
                return Err(Error::Interrupted { awaited: awaited() });
            }
            // Each thread that releases the lock after this finds the waiters bit of the lock, and then the announcement.
            let announced = event::announce(self.cell.event());
            self.cell.call_back();
            // Each thread that writes without the lock issues the same fence in `notify`. So it finds the announcement, or the
            // condition finds what it wrote.
            fence(Ordering::SeqCst);
            if condition() {
                return Ok(());
            }
            wakeup::sleep(self.cell.event(), announced, timeout);
        }
    }

    /// Wakes the threads that [wait](Self::wait_until) for a change: after a write without the lock. A release of the lock does
    /// this by itself.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use std::time::Duration;
    /// use shared_value::Live;
    ///
    /// let flag = Live::new(0_u64)?;
    /// let waiter = flag.clone();
    /// let waiting = std::thread::spawn(move || waiter.wait_until(|| waiter.get() == 1, Duration::from_secs(10)));
    /// // SAFETY: `flag` lives, and has 8 bytes; this is an atomic access.
    /// let word = unsafe { &*flag.as_ptr().cast::<AtomicU64>() };
    /// word.store(1, Ordering::Relaxed);
    /// flag.notify();
    /// waiting.join().unwrap()?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn notify(&self) {
        fence(Ordering::SeqCst);
        wakeup::raise(self.cell.event());
    }
}
