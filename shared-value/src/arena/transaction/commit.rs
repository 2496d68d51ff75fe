//! Committing transactions, and rolling them back.

use std::time::Duration;

use crate::arena::editor::Editor;
use crate::arena::map::Arena;
use crate::arena::transaction::Transaction;
use crate::arena::transaction::attempts::Attempts;
use crate::arena::transaction::pending::{Made, Pending, Seen};
use crate::cell::parts::record as decision;
use crate::cell::{BareCell, Cell, Place};
use crate::error::Error;
use crate::handle::wait::at_most;
use crate::heap::record::{self, Record};
use crate::heap::{self, Change, State, block_length};
use crate::lock::{self, Mark, Refusal, Thread, Wait};
use crate::protocol::atomics::Ordering;
use crate::protocol::fault;
use crate::protocol::slots::Versions;

/// Transactions.
impl Arena {
    /// Lets the closure change, add and remove several values of this arena, and commits all these changes at once: a
    /// process that is killed at any instruction leaves all of them or none. If the closure fails or panics, nothing
    /// changes.
    ///
    /// The closure locks each value by [`Transaction::lock`] before it reads or changes the value; the thread holds these
    /// locks until the closure has returned. It adds and removes by the methods of the [`Transaction`]. Changes of other
    /// values, and changes by the methods of the arena itself, are committed at once, even if the transaction fails.
    ///
    /// Values may be locked in any order. If two transactions would wait for each other, one of them begins again. A
    /// transaction also begins again if, before it commits, others have added or removed a value that it has looked up, added
    /// or removed. This holds even if the closure has failed: it may have failed because of that change. To begin again, the
    /// transaction rolls back everything and calls the closure once more. So anything else that the closure does must be
    /// repeatable, and the closure must pass on [`Error::Conflict`]. A closure that looks up a value by the transaction, and
    /// each time adds or removes it by a method of the arena itself, begins again forever. An error that
    /// [`Transaction::abort`] has marked ends the transaction in any case. Locks that the thread holds outside of this
    /// transaction, by a guard or by an outer transaction, are not protected from deadlock: two threads that wait for each
    /// other's outer locks wait forever.
    ///
    /// How often a transaction begins again has no limit: it depends on what other threads do. A transaction that loses once
    /// takes the locks that it needs in order next time.
    ///
    /// A value that the closure has added, but that is not committed, takes space as long as a handle of it is open.
    ///
    /// # Errors
    /// The error of the closure, and:
    /// - `Lock` with [`TooManyHeld`](crate::LockError::TooManyHeld), as one thread can hold 2,000 locks.
    /// - `Unwound` if the closure has caught a panic that passed through a guard. Nothing was changed.
    /// - `ArenaFull` if the arena has no room for the records of the commit: 192 bytes, once, and more if keys are added or
    ///   many values change. Nothing was changed.
    /// - `Lock` with [`Corrupted`](crate::LockError::Corrupted) if another process overwrote one of the locks. The changes
    ///   were committed.
    /// - `Lock` with [`NotHeld`](crate::LockError::NotHeld) in a child that the closure has forked. The child has changed
    ///   nothing.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let (from, to) = (arena.insert("from", 10_i64)?, arena.insert("to", 0_i64)?);
    /// arena.transaction(|tx| {
    ///     tx.lock(&to)?.update(|balance| *balance += 3)?;
    ///     tx.lock(&from)?.update(|balance| *balance -= 3)?;
    ///     tx.insert("receipt", 3_i64)
    /// })?;
    /// assert_eq!((from.get(), to.get(), arena.contains("receipt")), (7, 3, true));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn transaction<R>(&self, work: impl FnMut(&Transaction<'_>) -> Result<R, Error>) -> Result<R, Error> {
        self.transaction_within(Wait::Forever, work)
    }

    /// Changes several values at once, as [`transaction`](Self::transaction) does, or gives up after `timeout` by the
    /// monotonic clock.
    ///
    /// The timeout counts while the transaction waits for locks, and when it has to begin again. It does not interrupt the
    /// closure. With a timeout of zero it makes one attempt, and waits for no lock.
    ///
    /// # Errors
    /// `TimedOut` if the time is over before all locks were had. The closure gets it from the methods of the [`Transaction`],
    /// and should pass it on. Nothing was changed. Also the errors of [`transaction`](Self::transaction).
    ///
    /// ```
    /// use std::time::Duration;
    /// use shared_value::{Arena, Error};
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let (one, other) = (arena.insert("one", 4_u64)?, arena.insert("other", 3_u64)?);
    /// # std::thread::scope(|scope| {
    /// let guard = other.lock()?;
    /// # scope.spawn(|| {
    /// // In another thread:
    /// let late = arena.transaction_timeout(Duration::from_millis(1), |tx| {
    ///     tx.lock(&one)?.set(5)?;
    ///     tx.lock(&other)?.set(6)
    /// });
    /// assert!(matches!(late, Err(Error::TimedOut { .. })));
    /// # }).join().unwrap();
    /// assert_eq!(one.get(), 4);
    /// # drop(guard);
    /// # Ok::<(), shared_value::Error>(())
    /// # })?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn transaction_timeout<R>(
        &self,
        timeout: Duration,
        work: impl FnMut(&Transaction<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.transaction_within(at_most(timeout), work)
    }

    /// Lets the closure change, add and remove several values, as [`transaction`](Self::transaction) does, and fail with an
    /// error of its own.
    ///
    /// # Errors
    /// The errors of [`transaction`](Self::transaction).
    ///
    /// ```
    /// use shared_value::{Arena, Error};
    ///
    /// # #[derive(Debug)]
    /// enum Refusal { TooLittle, Shared(Error) }
    ///
    /// impl From<Error> for Refusal {
    ///     fn from(error: Error) -> Self {
    ///         Self::Shared(error)
    ///     }
    /// }
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let balance = arena.insert("balance", 10_i64)?;
    /// let paid = arena.try_transaction(|tx| {
    ///     let balance = tx.lock(&balance)?;
    ///     balance.update(|balance| *balance -= 25)?;
    ///     if balance.get() < 0 { Err(Refusal::TooLittle) } else { Ok(()) }
    /// });
    /// assert!(matches!(paid, Err(Refusal::TooLittle)));
    /// assert_eq!(balance.get(), 10);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn try_transaction<R, E: From<Error>>(
        &self,
        work: impl FnMut(&Transaction<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        self.transaction_within(Wait::Forever, work)
    }

    /// Changes several values, as [`try_transaction`](Self::try_transaction) does, or gives up after `timeout`, as
    /// [`transaction_timeout`](Self::transaction_timeout) does.
    ///
    /// # Errors
    /// The errors of [`transaction_timeout`](Self::transaction_timeout), and the error of the closure.
    ///
    /// ```
    /// use std::time::Duration;
    /// use shared_value::{Arena, Error};
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let balance = arena.insert("balance", 10_i64)?;
    /// arena.try_transaction_timeout(Duration::from_secs(1), |tx| {
    ///     tx.lock(&balance)?.update(|balance| *balance -= 5)?;
    ///     Ok::<_, Box<dyn std::error::Error>>(())
    /// }).unwrap();
    /// assert_eq!(balance.get(), 5);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn try_transaction_timeout<R, E: From<Error>>(
        &self,
        timeout: Duration,
        work: impl FnMut(&Transaction<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        self.transaction_within(at_most(timeout), work)
    }

    fn transaction_within<R, E: From<Error>>(
        &self,
        wait: Wait,
        mut work: impl FnMut(&Transaction<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut attempts = Attempts::new(self, wait)?;
        loop {
            let transaction = attempts.begin()?;
            let result = work(&transaction);
            if attempts.finish(&transaction, result.is_ok())? {
                return result;
            }
        }
    }
}

impl Transaction<'_> {
    /// Commits everything. Returns `false`, and commits nothing, if others have changed the arena so that these changes do
    /// not apply any more.
    pub(super) fn commit(&self) -> Result<bool, Error> {
        if !self.is_held() {
            return Err(Refusal::NotHeld.into());
        }
        let state = self.state.borrow();
        // The first look is one pass over all locks of the thread; the second one searches them once for each value.
        let is_unwound = || state.joined.iter().any(|cell| cell.is_unwound(self.thread));
        if lock::is_any_marked(self.thread, Mark::Unwound) && is_unwound() {
            return Err(Error::Unwound);
        }
        let (edits, values) = (state.changes(), state.changed().count());
        // The error of releasing the lock of the record. It is returned only after the values are released.
        let mut left = Ok(());
        let is_committed = match (state.is_about_keys(), values) {
            (false, 0) => true,
            (false, 1) => {
                state.changed().for_each(Versions::commit);
                true
            }
            (false, _) if fault::is_chosen("severally") => {
                state.changed().for_each(Versions::commit);
                true
            }
            (true, 0) => self.edit(&state, &edits, None, || {})?,
            (true, 1) if edits.is_empty() => {
                self.edit(&state, &edits, None, || state.changed().for_each(Versions::commit))?
            }
            _ => self.commit_by_record(&state, &edits, &mut left)?,
        };
        drop(state);
        if is_committed {
            let released = self.release();
            self.note_end();
            released?;
        }
        left?;
        Ok(is_committed)
    }

    /// Returns whether the arena is still as the transaction has seen it.
    ///
    /// # Errors
    /// The errors of taking the lock of the directory.
    #[cold]
    pub(super) fn still_applies(&self, state: &Pending) -> Result<bool, Error> {
        if state.seen.is_empty() {
            return Ok(true);
        }
        self.arena.edit_within(self.wait, |editor| Ok(state.still_applies(editor)))
    }

    /// Commits changes of values, and of the arena, that one record decides about. `left` receives the result of releasing the
    /// lock of the record.
    fn commit_by_record(
        &self,
        state: &Pending,
        changes: &[Change],
        left: &mut Result<(), Refusal>,
    ) -> Result<bool, Error> {
        let (record, lock) = take(self.arena, self.thread, self.wait)?;
        let (word, place) = (record::state(&record), record.atomic_offset(0) as u64);
        // This store comes before the directory names the record. If this process dies while the directory names it, no
        // other transaction may take the record for an idle one: the commit of the other would decide about these changes
        // too.
        // Release: a reader that sees this store also sees that the versions which were joined to the record before are
        // settled. Otherwise it could take this word for the decision about those versions.
        word.store(decision::OPEN, Ordering::Release);
        let decide = || {
            // If the thread dies from here on, the joined versions stay joined to a record which says that nothing is
            // committed.
            state.changed().for_each(|versions| versions.join(place));
            // A death before this store commits nothing, a death after it everything. Release: all writes come before it.
            word.store(decision::COMMITTED, Ordering::Release);
        };
        let is_committed = if state.is_about_keys() {
            self.edit(state, changes, Some(place), decide)
        } else {
            decide();
            Ok(true)
        };
        // `settle` does not change versions that are not joined to a record.
        state.joined.iter().for_each(|cell| cell.versions().settle(|_| true));
        // Release: nothing is joined any more.
        word.store(decision::IDLE, Ordering::Release);
        *left = lock.leave(self.thread);
        is_committed
    }

    /// Adds and removes blocks, and commits the values by `decide`, unless others have changed what the transaction has seen.
    fn edit(
        &self,
        state: &Pending,
        changes: &[Change],
        record: Option<u64>,
        decide: impl FnOnce(),
    ) -> Result<bool, Error> {
        self.arena.edit_within(self.wait, |editor| {
            if !state.still_applies(editor) {
                return Ok(false);
            }
            if changes.is_empty() {
                decide();
            } else {
                editor.change(changes, &state.keys(), record, decide)?;
            }
            Ok(true)
        })
    }

    /// Releases all locks.
    fn release(&self) -> Result<(), Error> {
        let mut state = self.state.borrow_mut();
        drop(state.take_added());
        let (dropped, private) = (std::mem::take(&mut state.dropped), std::mem::take(&mut state.private));
        drop(state);
        self.discard(dropped, &private);
        let mut state = self.state.borrow_mut();
        let mut released = Ok(());
        // The thread finds its newest lock at once. The locks before it stay where they are in its record.
        for cell in state.joined.drain(..).rev() {
            let left = cell.leave(self.thread);
            released = released.and(left);
        }
        Ok(released?)
    }

    /// Rolls back and releases everything, and returns the values that were locked. Does nothing if the transaction has ended.
    pub(super) fn roll_back(&self) -> Vec<BareCell> {
        if !self.is_held() {
            return Vec::new();
        }
        let mut state = self.state.borrow_mut();
        let joined = std::mem::take(&mut state.joined);
        for cell in joined.iter().rev() {
            cell.versions().rollback();
            // An overwritten lock cannot be reported: there is no caller.
            let _ = cell.leave(self.thread);
        }
        let mut made = state.take_added();
        made.append(&mut state.dropped);
        let private = std::mem::take(&mut state.private);
        drop(state);
        self.discard(made, &private);
        self.note_end();
        joined
    }

    /// Ends the use of blocks that this transaction has made, but has not added. No look-up finds them.
    fn discard(&self, made: Vec<Made>, private: &[usize]) {
        if made.is_empty() {
            return;
        }
        let blocks: Vec<_> = made.iter().map(|made| made.block).collect();
        // From here on, other processes may free them.
        drop(made);
        // If the lock of the directory cannot be had, another process frees them.
        let _ = self.arena.edit(|editor| {
            for block in &blocks {
                editor.discard(block, private.contains(&block.at));
            }
            Ok(())
        });
    }
}

impl Pending {
    /// Returns the versions of the values that were changed.
    fn changed(&self) -> impl Iterator<Item = &Versions> {
        self.joined.iter().map(BareCell::versions).filter(|versions| versions.is_writing())
    }

    /// Returns whether it adds, removes or has looked up values, so that it is committed under the lock of the directory.
    fn is_about_keys(&self) -> bool {
        !self.seen.is_empty() || !self.added.is_empty()
    }

    /// Returns whether the arena is still as the transaction has seen it: the values that it has found are there, and the keys
    /// and ids that it has not found lead nowhere. It has looked up all keys that it adds, and all values that it removes.
    ///
    /// The caller has the lock of the directory until the commit, so all of this holds at the moment of the commit. And it has
    /// the locks of all values that the closure has locked. So the transaction takes effect at that moment, as if it had run
    /// then alone. This is the validation of Silo (Tu et al., "Speedy transactions in multicore in-memory databases", 2013).
    fn still_applies(&self, editor: &Editor<'_>) -> bool {
        self.seen.iter().all(|seen| match seen {
            Seen::Found(id) => heap::find_at(editor.heap, *id).is_some(),
            Seen::NoKey(key) => editor.find(key).is_none(),
            Seen::NoId(id) => heap::find_at(editor.heap, *id).is_none(),
        })
    }
}

/// Takes a record that no other transaction uses until `leave` is called on it: an idle one, or a new one.
///
/// Each round adds a record, and none is ever removed. So after a few rounds there are more records than transactions that
/// commit at once. Behind a peer that hides the new records, the arena is full at last, which is an error.
fn take(arena: &Arena, thread: Thread, wait: Wait) -> Result<(Cell<Record>, BareCell), Error> {
    let segment = arena.segment();
    loop {
        for record in record::all(segment, arena.newest_record()) {
            let lock = record.bare();
            if lock.join(thread, Wait::Never).is_err() {
                continue;
            }
            // Acquire: this thread sees that all versions which were joined to the record are settled.
            if record::state(&record).load(Ordering::Acquire) == decision::IDLE {
                return Ok((record, lock));
            }
            lock.leave(thread)?;
        }
        arena.edit_within(wait, add_record)?;
    }
}

/// Adds a record to those of the arena.
fn add_record(editor: &mut Editor<'_>) -> Result<(), Error> {
    let length = block_length(record::shape().length(), 0).unwrap_or(usize::MAX);
    let block = editor.take(length)?;
    let place = Place::of(editor.segment());
    let record: Cell<Record> = editor.cell_in(place, &block, ())?;
    let next = editor.directory.records;
    record.initialize(|parts| parts.initialize(&Record { state: decision::IDLE, next }));
    editor.heap.set_state(&block, State::Present);
    editor.directory.records = block.at as u64;
    editor.keep(block.at);
    editor.commit();
    Ok(())
}
