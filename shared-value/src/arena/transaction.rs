//! `Transaction`: changes of several values that are committed at once.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::heap::record;
use crate::arena::values::ArenaValues;
use crate::cell::Cell;
use crate::cell::parts::record as decision;
use crate::error::Error;
use crate::format::contents::{Contents, Untyped};
use crate::handle::guard::Guard;
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::lock::{Refusal, Thread, Wait};
use crate::protocol::atomics::Ordering;
use crate::protocol::slots::Versions;

/// The values that a transaction has locked: what [`ArenaValues::transaction`] gives its closure.
#[derive(Debug)]
pub struct Transaction<'a> {
    values: &'a ArenaValues,
    thread: Thread,
    /// The thread's token when it began.
    token: u64,
    /// In the order of their places. Their locks are held.
    joined: Vec<Cell<Untyped>>,
    /// What could not be locked without waiting out of order.
    wanted: Option<Cell<Untyped>>,
    /// It belongs to the thread that began it.
    not_send: PhantomData<*const ()>,
}

impl ArenaValues {
    /// Lets the closure change several values of this arena, and commits all changes at once: whenever the process dies, all
    /// are there or none. If the closure fails or panics, nothing was changed.
    ///
    /// The closure locks each value by [`Transaction::lock`] before it reads or changes it; until it returns, the thread
    /// holds all these locks. What it does to other values is committed as ever. The order in which it locks them does not
    /// matter: where two transactions would wait for each other, one of them begins again, and its closure is called once
    /// more, with nothing changed. So what the closure does besides must bear repetition, and [`Error::Conflict`] must be let
    /// through. That does not go for locks that the thread holds besides, by a guard or a transaction around this one: two
    /// threads that each wait for what the other holds so wait for ever. What the closure creates or removes stays so if it
    /// fails.
    ///
    /// ```
    /// use shared_value::{Arena, Error};
    ///
    /// let arena = Arena::anonymous(1 << 20)?;
    /// let (from, to) = (arena.create("from", 10_i64)?, arena.create("to", 0_i64)?);
    /// arena.transaction(|transaction| {
    ///     transaction.lock(&to)?.update(|balance| *balance += 3)?;
    ///     transaction.lock(&from)?.update(|balance| *balance -= 3)?;
    ///     Ok::<(), Error>(())
    /// })?;
    /// assert_eq!((from.get(), to.get()), (7, 3));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// What the closure returns, and:
    /// - `TooManyHeld`, as one thread can hold 2,000 locks.
    /// - `Unwound` if the closure has caught a panic that passed through a guard. Nothing was changed.
    /// - `ArenaFull` if the arena has no room for 192 bytes that committing may need, once. Nothing was changed.
    /// - `Corrupted` if another process overwrote one of the locks. The changes were committed.
    pub fn transaction<R, E: From<Error>>(
        &self,
        mut work: impl FnMut(&mut Transaction<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        let thread = Thread::current().map_err(Error::from)?;
        let mut known = Vec::new();
        loop {
            let mut transaction = Transaction::begin(self, thread, known)?;
            let result = work(&mut transaction);
            if let Some(wanted) = transaction.wanted.take()
                && transaction.is_held()
            {
                known = transaction.give_up(wanted);
                continue;
            }
            let result = result?;
            transaction.commit()?;
            return Ok(result);
        }
    }
}

impl Transaction<'_> {
    /// Locks a value, unless this transaction has done so before. The guard reads and changes it, as any other handle of this
    /// thread does; its drop releases nothing, and it cannot commit or roll back.
    ///
    /// # Errors
    /// - `Conflict` if the transaction has to begin again: to be returned by the closure.
    /// - `AlreadyHeld` if this thread holds the lock, but not by this transaction.
    /// - `Unsupported` if the value does not lie in the arena, and in a child that was forked inside of the closure.
    /// - As [`Synchronized::lock`].
    pub fn lock<'v, C: Shared + ?Sized>(&mut self, value: &'v Synchronized<C>) -> Result<Guard<'v, C>, Error> {
        self.join(&value.cell)?;
        value.lock()
    }

    pub(super) fn join<C: Contents + ?Sized>(&mut self, cell: &Cell<C>) -> Result<(), Error> {
        if !Arc::ptr_eq(cell.shared_segment(), self.values.segment()) || !cell.has_own_lock() {
            return Err(Error::Unsupported { what: "a transaction changes values of its own arena" });
        }
        if !self.is_held() {
            // Nothing would ever commit or release what it locks.
            return Err(Error::Unsupported {
                what: "a transaction is of the process that began it, not of a forked child",
            });
        }
        let place = cell.start();
        let Err(index) = self.joined.binary_search_by_key(&place, Cell::start) else { return Ok(()) };
        // Whoever waits only for what lies behind all that it holds is never part of a circle.
        let wait = if index == self.joined.len() { Wait::Forever } else { Wait::Never };
        match cell.join(self.thread, wait) {
            Ok(()) => {
                self.joined.insert(index, cell.untyped());
                Ok(())
            }
            Err(Refusal::WouldBlock) => {
                self.wanted = Some(cell.untyped());
                Err(Error::Conflict)
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    fn begin(values: &ArenaValues, thread: Thread, known: Vec<Cell<Untyped>>) -> Result<Transaction<'_>, Error> {
        let (token, joined) = (thread.token(), Vec::with_capacity(known.len()));
        let mut begun = Transaction { values, thread, token, joined, wanted: None, not_send: PhantomData };
        for cell in known {
            begun.join(&cell)?;
        }
        Ok(begun)
    }

    /// Rolls back and releases all, and says what to lock from the start next time.
    fn give_up(mut self, wanted: Cell<Untyped>) -> Vec<Cell<Untyped>> {
        self.roll_back();
        let mut known: Vec<_> = self.joined.drain(..).collect();
        known.push(wanted);
        known.sort_by_key(Cell::start);
        known
    }

    /// Whether the thread that began it is the one that runs: not so in a forked child.
    fn is_held(&self) -> bool {
        self.thread.token() == self.token
    }

    fn roll_back(&self) {
        if !self.is_held() {
            return;
        }
        for cell in &self.joined {
            cell.versions().rollback();
            // There is nobody to tell of an overwritten lock.
            let _ = cell.leave(self.thread);
        }
    }

    fn commit(mut self) -> Result<(), Error> {
        if !self.is_held() {
            return Ok(());
        }
        if self.joined.iter().any(|cell| cell.is_unwound(self.thread)) {
            return Err(Error::Unwound);
        }
        let changed = || self.joined.iter().map(Cell::versions).filter(|versions| versions.is_writing());
        match changed().count() {
            0 => {}
            1 => changed().for_each(Versions::commit),
            _ if cfg!(shared_value_fault = "severally") => changed().for_each(Versions::commit),
            _ => {
                let record = record::take(self.values, self.thread)?;
                let (state, place) = (record::state(&record), record.atomic_offset(0) as u64);
                // Release: who was joined to the record before is settled, for those who look only now. Else they could take
                // this for what was decided about that.
                state.store(decision::OPEN, Ordering::Release);
                // Who dies from here on leaves versions that are joined to a record which says that nothing is committed.
                changed().for_each(|versions| versions.join(place));
                // Who dies before this store has changed nothing, and after it everything. Release: all that was written
                // comes first.
                state.store(decision::COMMITTED, Ordering::Release);
                self.joined.iter().for_each(|cell| cell.versions().settle(|_| true));
                // Release: nothing is joined any more.
                state.store(decision::IDLE, Ordering::Release);
                record.leave(self.thread)?;
            }
        }
        let mut ended = Ok(());
        for cell in self.joined.drain(..) {
            let left = cell.leave(self.thread);
            ended = ended.and(left);
        }
        Ok(ended?)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.roll_back();
    }
}
