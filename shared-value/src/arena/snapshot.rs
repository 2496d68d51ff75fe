//! `Snapshot`: several values as they were at one moment.

use std::cell::RefCell;
use std::time::Duration;

use crate::arena::map::Arena;
use crate::cell::Cell;
use crate::error::Error;
use crate::format::contents::Untyped;
use crate::handle::access::Access;
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::handle::wait::at_most;
use crate::hold::backoff::Backoff;
use crate::hold::retry::TRIES;
use crate::lock::{self, Wait};

/// Reads several values of one moment: the argument of the closure of [`Arena::snapshot`].
///
/// ```
/// use shared_value::Arena;
///
/// let arena = Arena::new(1 << 16)?;
/// let (one, other) = (arena.insert("one", 30_i64)?, arena.insert("other", 70_i64)?);
/// let sum = arena.snapshot(|snapshot| Ok(snapshot.load(&one)? + snapshot.load(&other)?))?;
/// assert_eq!(sum, 100);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Debug)]
pub struct Snapshot {
    /// When to give up.
    wait: Wait,
    /// The values that were read, each with the number of its version.
    seen: RefCell<Vec<(Cell<Untyped>, u64)>>,
}

/// Snapshots.
impl<A: Access> Arena<A> {
    /// Lets the closure read several values as they all were at one moment, without their locks.
    ///
    /// If one of the values was committed while the closure ran, the closure is called again. If the closure reads all
    /// values by the [`Snapshot`], the returned result never contains a part of a [transaction](Arena::transaction). A call
    /// that is repeated may have seen values of several moments: its result is discarded, but it must not panic on them.
    /// Each atomic field is as it was at some moment during the call.
    ///
    /// # Errors
    /// The error that the closure returns about values of one moment.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let (one, other) = (arena.insert("one", 4_u64)?, arena.insert("other", 3_u64)?);
    /// let sum = arena.snapshot(|snapshot| Ok(snapshot.load(&one)? + snapshot.load(&other)?))?;
    /// assert_eq!(sum, 7);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn snapshot<R>(&self, mut read: impl FnMut(&Snapshot) -> Result<R, Error>) -> Result<R, Error> {
        self.snapshot_within(Wait::Forever, &mut read)
    }

    /// Reads several values of one moment, as [`snapshot`](Self::snapshot) does, or gives up after `timeout` by the
    /// monotonic clock: beside processes that commit all the time, large values may never be all unchanged for as long as
    /// it takes to copy them.
    ///
    /// With a timeout of zero it makes one attempt.
    ///
    /// # Errors
    /// `TimedOut` if each attempt until the timeout was overtaken by a commit, and the error that the closure returns.
    ///
    /// ```
    /// use std::time::Duration;
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let (one, other) = (arena.insert("one", 4_u64)?, arena.insert("other", 3_u64)?);
    /// let sum = arena.snapshot_timeout(Duration::from_secs(1), |snapshot| {
    ///     Ok(snapshot.load(&one)? + snapshot.load(&other)?)
    /// })?;
    /// assert_eq!(sum, 7);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn snapshot_timeout<R>(
        &self,
        timeout: Duration,
        mut read: impl FnMut(&Snapshot) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.snapshot_within(at_most(timeout), &mut read)
    }

    fn snapshot_within<R>(&self, wait: Wait, read: &mut dyn FnMut(&Snapshot) -> Result<R, Error>) -> Result<R, Error> {
        let mut backoff = Backoff::between_reads();
        loop {
            for _ in 0..TRIES {
                let snapshot = Snapshot { wait, seen: RefCell::default() };
                let result = read(&snapshot);
                if snapshot.is_whole() {
                    return result;
                }
                if wait.remaining().is_none() {
                    return Err(late(self.segment_name()));
                }
            }
            backoff.sleep_at_most(wait.remaining().unwrap_or_default());
        }
    }
}

fn late(name: &str) -> Error {
    Error::TimedOut { awaited: format!("a moment at which no process changes the values of a snapshot of `{name}`") }
}

impl Snapshot {
    /// Returns the value at the moment of the snapshot: a `T`, or a vector with all elements of an array. If this thread
    /// holds the lock, returns what it has written.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote bytes that are not such a value; `TimedOut` if the time of
    /// [`Arena::snapshot_timeout`] is over.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let (prices, count) = (arena.insert("prices", vec![1.5, 2.5])?, arena.insert("count", 2_usize)?);
    /// let (prices, count) = arena.snapshot(|snapshot| Ok((snapshot.load(&prices)?, snapshot.load(&count)?)))?;
    /// assert_eq!(prices.len(), count);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn load<C: Shared + ?Sized, A: Access>(&self, value: &Synchronized<C, A>) -> Result<C::Owned, Error> {
        let cell = &value.cell;
        if lock::holds(cell.lock()) {
            return C::load::<A>(cell);
        }
        let mut version = None;
        let copy = C::load_until::<A>(cell, self.wait, &mut version);
        if let Some(version) = version {
            self.seen.borrow_mut().push((cell.untyped(), version));
        }
        copy
    }

    /// Returns whether no value was committed since it was read. If so, all these values were current at one moment before
    /// this call.
    fn is_whole(&self) -> bool {
        // Each copy ended with an acquire fence.
        self.seen.borrow().iter().all(|(cell, version)| cell.version() == *version)
    }
}
