//! Waiting for a change, without the lock.
#![expect(private_bounds, private_interfaces, reason = "the sealed trait can be neither named nor called from outside")]

mod asynchronous;
pub(crate) mod within;

use std::borrow::Borrow;
use std::time::Duration;

use crate::cell::Cell;
use crate::error::Error;
use crate::format::contents::Contents;
use crate::handle::access::{Access, ReadOnly, ReadWrite};
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::hold::backoff::Backoff;
use crate::lock::{Refusal, Wait, interruption, wakeup};
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
    /// The timeout counts by the monotonic clock, also while the value is copied. So it must be longer than a copy takes:
    /// about 0.3 ms for each MiB. With a timeout of zero it makes one attempt, however long the copy takes.
    ///
    /// # Errors
    /// - `TimedOut` if no value fulfilled the condition before the timeout, or none could be copied.
    /// - `WaitUnderLock` if this thread holds the lock of the value and the value does not fulfil the condition: no other
    ///   thread can commit then. A read-only handle does not notice that if a lock object guards the value.
    /// - `InvalidBits` if another process wrote bytes that are not a `T`.
    /// - `Retired` if another value has [replaced](Self::replace) this one, which does not fulfil the condition.
    /// - `Interrupted` if [`interruptible`](crate::interruptible) ends the wait.
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
        let wait = at_most(timeout);
        let awaited = || format!("a change of `{}` that fulfils the condition", self.segment_name());
        loop {
            let seen = self.version();
            let value = self.load_until(wait)?;
            if condition(value.borrow()) {
                return Ok(value);
            }
            // Both are checked in every round: if versions come faster than this thread checks them, it never sleeps.
            if self.cell.is_held_here() {
                return Err(self.give_up(Refusal::AlreadyHeld, awaited));
            }
            if wait.remaining().is_none() {
                return Err(self.give_up(Refusal::TimedOut, awaited));
            }
            A::sleep(&self.cell, seen, wait).map_err(|refusal| self.give_up(refusal, awaited))?;
        }
    }

    /// Returns the value, as [`load`](Self::load) does, or gives up after `timeout` by the monotonic clock. For large values
    /// beside processes that commit all the time: a read is repeated if the value changes while it is copied. A handle that
    /// can take the lock does that after some attempts; a read-only handle can only try again.
    ///
    /// With a timeout of zero it makes one attempt.
    ///
    /// # Errors
    /// `TimedOut` if the value changed during each copy until the timeout, or if a copy takes longer than the timeout;
    /// `InvalidBits` if another process wrote bytes that are not a `T`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use shared_value::{Filled, SharedArray};
    ///
    /// let frame = SharedArray::new(Filled(0_u8, 1 << 20))?;
    /// let pixels = frame.read_only()?.load_timeout(Duration::from_secs(1))?;
    /// assert_eq!(pixels.len(), 1 << 20);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn load_timeout(&self, timeout: Duration) -> Result<C::Owned, Error> {
        self.load_until(at_most(timeout))
    }

    fn load_until(&self, wait: Wait) -> Result<C::Owned, Error> {
        C::load_by(&self.cell, A::timed(&self.cell, wait), &mut None)
    }

    /// Returns the error for a wait that `sleep` has given up.
    fn give_up(&self, refusal: Refusal, awaited: impl FnOnce() -> String) -> Error {
        match refusal {
            Refusal::TimedOut => Error::TimedOut { awaited: awaited() },
            Refusal::Interrupted => Error::Interrupted { awaited: awaited() },
            Refusal::AlreadyHeld => Error::WaitUnderLock { name: self.segment_name().to_owned() },
            other => other.into(),
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
    /// assert!(matches!(changes.next_timeout(Duration::from_millis(1)), Err(Error::TimedOut { .. })));
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
    /// The timeout counts also while the value is copied, as in [`wait_for`](Synchronized::wait_for). If the time ends
    /// then, the change is not lost: the next call returns the value.
    ///
    /// # Errors
    /// `TimedOut` if there was no commit before the timeout, or no value could be copied; `WaitUnderLock` if this thread
    /// holds the lock of the value; `InvalidBits` if another process wrote bytes that are not a `T`; `Retired` if another value
    /// has [replaced](Synchronized::replace) this one, after its last change was returned.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<C::Owned, Error> {
        self.wait(at_most(timeout))
    }

    /// Waits for a commit after the last call, or after `changes`, and returns the number of commits so far. It copies nothing:
    /// for values that are large, or that the program reads in another way.
    ///
    /// # Errors
    /// `TimedOut`, `WaitUnderLock` and `Retired`, as [`next_timeout`](Self::next_timeout).
    ///
    /// ```
    /// use std::time::Duration;
    /// use shared_value::{Filled, SharedArray};
    ///
    /// let frame = SharedArray::new(Filled(0_u8, 1 << 20))?;
    /// let mut changes = frame.changes();
    /// frame.set_at(7, 1)?;
    /// assert_eq!(changes.next_version_timeout(Duration::from_secs(10))?, 1);
    /// assert!(changes.next_version_timeout(Duration::from_millis(1)).is_err());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn next_version_timeout(&mut self, timeout: Duration) -> Result<u64, Error> {
        self.sleep(at_most(timeout))?;
        self.seen = self.value.version();
        Ok(self.seen)
    }

    fn wait(&mut self, wait: Wait) -> Result<C::Owned, Error> {
        self.sleep(wait)?;
        self.take(wait)
    }

    fn sleep(&self, wait: Wait) -> Result<(), Error> {
        let awaited = || format!("a commit of `{}`", self.value.segment_name());
        A::sleep(&self.value.cell, self.seen, wait).map_err(|refusal| self.value.give_up(refusal, awaited))
    }

    /// Returns the latest value. `seen` is from before the copy: a commit in between is then reported twice, and not missed.
    fn take(&mut self, wait: Wait) -> Result<C::Owned, Error> {
        let seen = self.value.version();
        let taken = self.value.load_until(wait);
        if !matches!(taken, Err(Error::TimedOut { .. })) {
            self.seen = seen;
        }
        taken
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

/// Returns the wait for a timeout: one attempt if it is zero.
pub(crate) fn at_most(timeout: Duration) -> Wait {
    if timeout.is_zero() { Wait::Never } else { Wait::at_most(timeout) }
}

mod sealed {
    use super::{Cell, Contents, Refusal, Wait};

    pub trait Sleep {
        /// Whether a waiter can ask to be woken.
        const IS_WOKEN: bool;

        /// Sleeps until a version other than `seen` is committed.
        ///
        /// # Errors
        /// `TimedOut` if the timeout has passed, `AlreadyHeld` if this thread holds the lock: no other thread can commit,
        /// `Retired` if another segment has taken the place of this one, `Interrupted` if a signal has ended the wait.
        fn sleep<C: Contents + ?Sized>(cell: &Cell<C>, seen: u64, wait: Wait) -> Result<(), Refusal>;
    }
}

impl sealed::Sleep for ReadWrite {
    const IS_WOKEN: bool = true;

    fn sleep<C: Contents + ?Sized>(cell: &Cell<C>, seen: u64, wait: Wait) -> Result<(), Refusal> {
        loop {
            if cell.version() != seen {
                return Ok(());
            }
            if cell.is_held_here() {
                return Err(Refusal::AlreadyHeld);
            }
            if cell.is_replaced() {
                return Err(Refusal::Retired);
            }
            let timeout = wait.remaining().ok_or(Refusal::TimedOut)?;
            if interruption::take() {
                return Err(Refusal::Interrupted);
            }
            let announced = event::announce(cell.event());
            cell.call_back();
            if cell.version() == seen && !cell.is_replaced() {
                wakeup::sleep(cell.event(), announced, timeout);
            }
        }
    }
}

impl sealed::Sleep for ReadOnly {
    const IS_WOKEN: bool = false;

    fn sleep<C: Contents + ?Sized>(cell: &Cell<C>, seen: u64, wait: Wait) -> Result<(), Refusal> {
        let mut pauses = Backoff::new(Duration::from_micros(20), Duration::from_millis(5));
        loop {
            if cell.version() != seen {
                return Ok(());
            }
            if cell.is_held_here() {
                return Err(Refusal::AlreadyHeld);
            }
            if cell.is_replaced() {
                return Err(Refusal::Retired);
            }
            let timeout = wait.remaining().ok_or(Refusal::TimedOut)?;
            if interruption::take() {
                return Err(Refusal::Interrupted);
            }
            pauses.sleep_at_most(timeout);
        }
    }
}
