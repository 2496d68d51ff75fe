//! `Snapshot`: several values as they were at one moment.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use crate::arena::edit::late;
use crate::arena::map::Arena;
use crate::cell::Cell;
use crate::error::Error;
use crate::format::contents::Untyped;
use crate::handle::access::Access;
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::handle::wait::at_most;
use crate::hold::backoff::Backoff;
use crate::hold::moment::{Moment, place_of};
use crate::hold::read::Timed;
use crate::hold::retry::tries_of;
use crate::lock::{self, Wait};

/// How long a snapshot waits for the locks of its values: as long as it has tried without, within these limits. If an owner is
/// stopped, it commits nothing, and the next attempt without the locks succeeds.
const LEAST: Duration = Duration::from_millis(1);
const MOST: Duration = Duration::from_secs(1);

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
    /// Copies that were made under the locks of the values.
    moment: Option<Moment>,
    /// The other values that were read.
    seen: RefCell<Vec<Seen>>,
}

/// A value that was copied without its lock.
#[derive(Debug)]
struct Seen {
    cell: Cell<Untyped>,
    version: u64,
    /// Whether its handle can take its lock, and there was memory for a copy.
    is_lockable: bool,
}

/// Snapshots.
impl<A: Access> Arena<A> {
    /// Lets the closure read several values as they all were at one moment.
    ///
    /// If one of the values was committed while the closure ran, the closure is called again. If the closure reads all
    /// values by the [`Snapshot`], the returned result never contains a part of a [transaction](Arena::transaction). A call
    /// that is repeated may have seen values of several moments: its result is discarded, but it must not panic on them.
    /// Each atomic field is as it was at some moment during the call.
    ///
    /// It takes no locks at first. If commits overtake several attempts, it takes the locks of the values, copies them, and
    /// releases the locks before it calls the closure. So it ends beside processes that commit all the time, but not beside
    /// one that commits again and again under one guard, and not if the closure reads by a handle that cannot lock, such as
    /// a read-only one, or reads more than 2,000 values: use [`snapshot_timeout`](Self::snapshot_timeout) for these.
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
    /// monotonic clock. The clock is looked at between the attempts, and while large values are copied.
    ///
    /// With a timeout of zero it makes one attempt.
    ///
    /// # Errors
    /// `TimedOut` if each attempt until the timeout was overtaken by a commit, and the error that the closure returns.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
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
        let (mut known, mut backoff) = (Vec::new(), Backoff::between_reads());
        let (mut moment, mut made, mut start) = (None, 0_u32, None);
        loop {
            let snapshot = Snapshot { wait, moment, seen: RefCell::default() };
            let result = read(&snapshot);
            if snapshot.is_whole() {
                return result;
            }
            if wait.remaining().is_none() {
                let name = self.segment_name();
                return Err(late(&format!(
                    "a moment at which no process changes the values of a snapshot of `{name}`"
                )));
            }
            made = made.wrapping_add(1);
            snapshot.add_to(&mut known);
            let tries = tries_of(known.iter().map(|cell| cell.shape().size).sum());
            let is_late = made.is_multiple_of(tries);
            // The first attempt is not counted: the clock takes longer than a small snapshot.
            let begun = *start.get_or_insert_with(Instant::now);
            moment = if is_late { Moment::of(&known, begun.elapsed().clamp(LEAST, MOST), wait) } else { None };
            if is_late && moment.is_none() {
                backoff.sleep_at_most(wait.remaining().unwrap_or_default());
            }
        }
    }
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
        if let Some((copy, version)) = self.moment.as_ref().and_then(|moment| moment.find(cell)) {
            return C::load_by(cell, Timed::from_copy(cell, copy, version), &mut None);
        }
        let mut version = None;
        let copy = C::load_by(cell, A::timed(cell, self.wait), &mut version);
        if let Some(version) = version {
            let is_lockable = A::LOCKS && matches!(copy, Ok(_) | Err(Error::InvalidBits { .. }));
            self.seen.borrow_mut().push(Seen { cell: cell.untyped(), version, is_lockable });
        }
        copy
    }

    /// Returns whether all values that were read are of one moment: they were copied under their locks, or none was
    /// committed since it was copied. In that case all were current at one moment before this call.
    fn is_whole(&self) -> bool {
        let seen = self.seen.borrow();
        if seen.is_empty() {
            return true;
        }
        // Each copy ended with an acquire fence.
        let is_current = |seen: &Seen| seen.cell.version() == seen.version;
        self.moment.as_ref().is_none_or(Moment::is_current) && seen.iter().all(is_current)
    }

    /// Adds the values whose locks can be taken next time, in the order in which all threads take them.
    fn add_to(self, known: &mut Vec<Cell<Untyped>>) {
        let lockable = self.seen.into_inner().into_iter().filter(|seen| seen.is_lockable);
        known.extend(lockable.map(|seen| seen.cell));
        known.sort_by_key(place_of);
        known.dedup_by_key(|cell| place_of(cell));
    }
}
