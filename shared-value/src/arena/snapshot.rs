//! `Snapshot`: several values as they were at one moment.

use std::cell::RefCell;

use crate::arena::values::ArenaValues;
use crate::cell::Cell;
use crate::error::Error;
use crate::format::contents::Untyped;
use crate::handle::access::Access;
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::hold::backoff::Backoff;
use crate::hold::read::TRIES;
use crate::lock;

/// What [`ArenaValues::snapshot`] gives its closure to read values by.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// What was read, and of which version.
    seen: RefCell<Vec<(Cell<Untyped>, u64)>>,
}

impl<A: Access> ArenaValues<A> {
    /// Lets the closure read several values as they all were at one moment, without their locks.
    ///
    /// If one of them was committed meanwhile, the closure is called again. It never sees a part of a
    /// [transaction](ArenaValues::transaction), if it sees all values by the snapshot; what it computes from values of several
    /// moments is thrown away, so it must only bear to see such. Atomic fields are as they are at some moment during the call.
    ///
    /// ```
    /// use shared_value::{Arena, Error};
    ///
    /// let arena = Arena::anonymous(1 << 20)?;
    /// let (one, other) = (arena.create("one", 4_u64)?, arena.create("other", 3_u64)?);
    /// let sum = arena.snapshot(|snapshot| Ok::<_, Error>(snapshot.load(&one)? + snapshot.load(&other)?))?;
    /// assert_eq!(sum, 7);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// What the closure returns about values of one moment.
    pub fn snapshot<R, E>(&self, mut work: impl FnMut(&Snapshot) -> Result<R, E>) -> Result<R, E> {
        let mut pauses = Backoff::between_reads();
        loop {
            for _ in 0..TRIES {
                let snapshot = Snapshot::default();
                let result = work(&snapshot);
                if snapshot.is_whole() {
                    return result;
                }
            }
            pauses.sleep();
        }
    }
}

impl Snapshot {
    /// The value at the moment of the snapshot, or of an array all elements; what this thread has written, if it holds the
    /// lock.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote something that is not a `T`.
    pub fn load<C: Shared + ?Sized, A: Access>(&self, value: &Synchronized<C, A>) -> Result<C::Owned, Error> {
        let cell = &value.cell;
        if lock::holds(cell.lock()) {
            return C::load::<A>(cell);
        }
        let (version, copy) = C::load_versioned(cell);
        self.seen.borrow_mut().push((cell.untyped(), version));
        copy
    }

    /// Whether all is still as it was read: then there was a moment, before this is called, when all of it was so.
    fn is_whole(&self) -> bool {
        // The copies were made before: each ends with an acquire fence.
        self.seen.borrow().iter().all(|(cell, version)| cell.version() == *version)
    }
}
