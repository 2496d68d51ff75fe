//! Waiting for a change, without the lock.
#![expect(private_bounds, private_interfaces, reason = "the sealed trait can be neither named nor called from outside")]

#[cfg(feature = "tokio")]
mod asynchronous;

use std::borrow::Borrow;
use std::time::Duration;

use crate::cell::Cell;
use crate::error::Error;
use crate::format::contents::Contents;
use crate::handle::access::{Access, ReadOnly, ReadWrite};
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::hold::backoff::Backoff;
use crate::lock::{Wait, wakeup};
use crate::protocol::event;

/// Access that sees versions, and so can wait for the next one: [`ReadWrite`] and [`ReadOnly`].
pub trait Versioned: Access + sealed::Sleep {}

impl Versioned for ReadWrite {}
impl Versioned for ReadOnly {}

impl<C: Shared + ?Sized, A: Versioned> Synchronized<C, A> {
    /// Waits until the value fulfils the condition, and returns that value. If the value fulfils it already, returns at
    /// once.
    ///
    /// It takes no lock. It costs writers nothing until this thread sleeps; then their next commit makes one system call. If
    /// commits come faster than this thread checks the value, it may miss some values. Changes of `#[shared(atomic)]` fields
    /// do not wake it. A read-only handle cannot ask to be woken: it checks every few milliseconds.
    ///
    /// # Errors
    /// `TimedOut` if no value fulfilled the condition before the timeout. In a thread that holds the lock the wait always
    /// times out, because no other thread can commit. `InvalidBits` if another process wrote bytes that are not a `T`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use shared_value::Synchronized;
    ///
    /// let jobs = Synchronized::new(3_u32)?;
    /// let worker = jobs.clone();
    /// std::thread::spawn(move || {
    ///     for _ in 0..3 {
    ///         worker.update(|jobs| *jobs -= 1).unwrap();
    ///     }
    /// });
    /// assert_eq!(jobs.wait_for(|jobs| *jobs == 0, Duration::from_secs(10))?, 0);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn wait_for(
        &self,
        mut condition: impl FnMut(&C::Borrowed) -> bool,
        timeout: Duration,
    ) -> Result<C::Owned, Error> {
        let wait = Wait::at_most(timeout);
        loop {
            let seen = self.version();
            let value = C::load::<A>(&self.cell)?;
            if condition(value.borrow()) {
                return Ok(value);
            }
            // The timeout is checked in every round: if versions come faster than this thread checks them, it never sleeps.
            if wait.remaining().is_none() || !A::sleep(&self.cell, seen, wait) {
                return Err(Error::TimedOut);
            }
        }
    }

    /// Returns the changes from now on. Each call for the next change returns the latest value, and skips the values in
    /// between.
    ///
    /// ```
    /// use std::time::Duration;
    /// use shared_value::{Error, Synchronized};
    ///
    /// let value = Synchronized::new(0_u32)?;
    /// let mut changes = value.changes();
    /// value.set(1)?;
    /// value.set(2)?;
    /// assert_eq!(changes.next_timeout(Duration::from_secs(10))?, 2);
    /// assert!(matches!(changes.next_timeout(Duration::from_millis(1)), Err(Error::TimedOut)));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn changes(&self) -> Changes<C, A> {
        Changes { seen: self.version(), value: self.clone() }
    }
}

/// Waits for the changes of a value, one after another. Returned by [`Synchronized::changes`].
///
/// As an iterator it never ends.
///
/// ```
/// use shared_value::Synchronized;
///
/// let value = Synchronized::new(0_u64)?;
/// let mut changes = value.changes();
/// value.set(7)?;
/// for value in changes.by_ref() {
///     assert_eq!(value?, 7);
///     break;
/// }
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "it waits only when it is asked for a change"]
pub struct Changes<C: Shared + ?Sized, A: Versioned = ReadWrite> {
    value: Synchronized<C, A>,
    /// The version of the last value that was returned.
    seen: u64,
}

impl<C: Shared + ?Sized, A: Versioned> Changes<C, A> {
    /// Waits for a commit after the last call, or after `changes`, and returns the latest value.
    ///
    /// # Errors
    /// `TimedOut` if there was no commit before the timeout; `InvalidBits` if another process wrote bytes that are not a
    /// `T`.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<C::Owned, Error> {
        self.wait(Wait::at_most(timeout))
    }

    fn wait(&mut self, wait: Wait) -> Result<C::Owned, Error> {
        if !A::sleep(&self.value.cell, self.seen, wait) {
            return Err(Error::TimedOut);
        }
        self.take()
    }

    /// Returns the latest value. `seen` is stored first: a commit between the two lines is then reported twice, and not
    /// missed.
    fn take(&mut self) -> Result<C::Owned, Error> {
        self.seen = self.value.version();
        C::load::<A>(&self.value.cell)
    }
}

impl<C: Shared + ?Sized, A: Versioned> Clone for Changes<C, A> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), seen: self.seen }
    }
}

impl<C: Shared + ?Sized, A: Versioned> Iterator for Changes<C, A> {
    type Item = Result<C::Owned, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.wait(Wait::Forever))
    }
}

mod sealed {
    use super::{Cell, Contents, Wait};

    pub trait Sleep {
        /// Sleeps until a version other than `seen` is committed. Returns `false` if the timeout has passed.
        fn sleep<C: Contents + ?Sized>(cell: &Cell<C>, seen: u64, wait: Wait) -> bool;
    }
}

impl sealed::Sleep for ReadWrite {
    fn sleep<C: Contents + ?Sized>(cell: &Cell<C>, seen: u64, wait: Wait) -> bool {
        loop {
            if cell.version() != seen {
                return true;
            }
            let Some(timeout) = wait.remaining() else { return false };
            let announced = event::announce(cell.event());
            cell.call_back();
            if cell.version() == seen {
                wakeup::sleep(cell.event(), announced, timeout);
            }
        }
    }
}

impl sealed::Sleep for ReadOnly {
    fn sleep<C: Contents + ?Sized>(cell: &Cell<C>, seen: u64, wait: Wait) -> bool {
        let mut pauses = Backoff::new(Duration::from_micros(20), Duration::from_millis(5));
        loop {
            if cell.version() != seen {
                return true;
            }
            let Some(remaining) = wait.remaining() else { return false };
            pauses.sleep_at_most(remaining);
        }
    }
}
