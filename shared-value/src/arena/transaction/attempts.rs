//! `Attempts`: the attempts of a transaction, one after the other.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::sync::Arc;

use crate::arena::edit::late;
use crate::arena::map::Arena;
use crate::arena::transaction::Transaction;
use crate::arena::transaction::pending::Pending;
use crate::cell::BareCell;
use crate::error::Error;
use crate::lock::{Thread, Wait};

/// The number of values that transactions usually lock.
const USUAL: usize = 8;

/// The attempts of one transaction, for a program that cannot give all of its work to [`Arena::transaction`]: it takes each step
/// itself. An extension of an interpreter releases the interpreter's lock while a step waits, and has it while the program's
/// function runs.
///
/// Each attempt is begun by [`begin`](Self::begin) and ended by [`end`](Self::end), until that says that the transaction is over.
/// A [`Transaction`] that is dropped before rolls back. Only these three, and the methods of the `Transaction`, wait for locks.
/// Inside of [`interruptible`](crate::interruptible), one that fails with
/// [`LockError::Interrupted`](crate::LockError::Interrupted) has changed nothing, and can be called again.
///
/// ```
/// use shared_value::{Arena, Error};
///
/// let arena = Arena::new(1 << 20)?;
/// let (from, to) = (arena.insert("from", 10_i64)?, arena.insert("to", 0_i64)?);
/// let mut attempts = arena.transaction_attempts()?;
/// let moved: Result<i64, Error> = loop {
///     let transaction = attempts.begin()?;
///     let result = (|| {
///         transaction.lock(&from)?.update(|balance| *balance -= 3)?;
///         transaction.lock(&to)?.update(|balance| *balance += 3)?;
///         Ok(3)
///     })();
///     if attempts.end(&transaction, result.is_ok())? {
///         break result;
///     }
/// };
/// assert_eq!((moved?, from.get(), to.get()), (3, 7, 3));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Attempts<'a> {
    arena: &'a Arena,
    thread: Thread,
    /// How long to wait for a lock.
    wait: Wait,
    /// The values that the next attempt locks first, in order.
    known: Vec<BareCell>,
    /// A transaction belongs to the thread that began it.
    not_send: PhantomData<*const ()>,
}

impl Arena {
    /// Returns the attempts of a transaction whose steps the program takes itself. Together they do what
    /// [`transaction`](Self::transaction) does.
    ///
    /// # Errors
    /// `Io` if the system has no memory for what it notes about this thread.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let number = arena.insert("number", 1)?;
    /// let mut attempts = arena.transaction_attempts()?;
    /// let transaction = attempts.begin()?;
    /// transaction.lock(&number)?.set(2)?;
    /// assert!(attempts.end(&transaction, true)?);
    /// assert_eq!(number.get(), 2);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn transaction_attempts(&self) -> Result<Attempts<'_>, Error> {
        Attempts::new(self, Wait::Forever)
    }
}

impl<'a> Attempts<'a> {
    pub(super) fn new(arena: &'a Arena, wait: Wait) -> Result<Self, Error> {
        let thread = Thread::current().map_err(Error::from)?;
        Ok(Self { arena, thread, wait, known: Vec::new(), not_send: PhantomData })
    }

    /// Begins an attempt. It first locks the values that the attempt before has locked or could not lock.
    ///
    /// # Errors
    /// The errors of [`Synchronized::lock`](crate::Synchronized::lock).
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// arena.insert("number", 1)?;
    /// let transaction = arena.transaction_attempts()?.begin()?;
    /// assert!(transaction.remove("number")?);
    /// drop(transaction);
    /// assert!(arena.contains("number"));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn begin(&mut self) -> Result<Transaction<'a>, Error> {
        // Most transactions lock few values, so this is the only allocation for them.
        let pending = Pending { joined: Vec::with_capacity(self.known.len().max(USUAL)), ..Pending::default() };
        let (arena, thread, token) = (self.arena, self.thread, self.thread.token());
        let (token, state) = (Cell::new(token), RefCell::new(pending));
        let begun = Transaction { arena, thread, token, wait: self.wait, state, not_send: PhantomData };
        // They stay known: a signal may end the wait for one of them, and the attempt is begun again.
        for cell in &self.known {
            begun.join_bare(cell.start(), || cell.clone())?;
        }
        Ok(begun)
    }

    /// Ends an attempt, whose work has succeeded or failed. Returns whether the transaction is over: it is committed, or it has
    /// failed and is rolled back. Otherwise this attempt is rolled back, and the next one begins; whatever the work has returned
    /// means nothing.
    ///
    /// # Errors
    /// The errors of [`Arena::transaction`], and `Unsupported` for a transaction that has ended, or of another arena.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let mut attempts = arena.transaction_attempts()?;
    /// let transaction = attempts.begin()?;
    /// transaction.insert("number", 1)?;
    /// // Another thread is faster.
    /// arena.insert("number", 2)?;
    /// assert!(!attempts.end(&transaction, true)?);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn end(&mut self, transaction: &Transaction<'a>, has_succeeded: bool) -> Result<bool, Error> {
        if !Arc::ptr_eq(transaction.arena.segment(), self.arena.segment()) {
            return Err(Error::Unsupported { what: "the attempts of a transaction are of one arena" });
        }
        transaction.check_not_ended()?;
        self.finish(transaction, has_succeeded)
    }

    /// Ends an attempt of these attempts that has not ended.
    pub(super) fn finish(&mut self, transaction: &Transaction<'a>, has_succeeded: bool) -> Result<bool, Error> {
        let must_repeat = transaction.is_held() && transaction.must_repeat(has_succeeded)?;
        if !must_repeat {
            if !has_succeeded {
                transaction.roll_back();
                return Ok(true);
            }
            if transaction.commit()? {
                return Ok(true);
            }
        }
        self.known = transaction.give_up();
        if self.wait.remaining().is_none() {
            let name = self.arena.segment_name();
            return Err(late(&format!("a moment at which no process is in the way of a transaction of `{name}`")));
        }
        Ok(false)
    }
}

impl Transaction<'_> {
    /// Returns whether an attempt must not be committed, and another one may have a better result.
    ///
    /// # Errors
    /// The errors of taking the lock of the directory. Without it, this cannot tell why the work has failed.
    fn must_repeat(&self, has_succeeded: bool) -> Result<bool, Error> {
        let state = self.state.borrow();
        // A lock could not be taken without waiting out of order.
        let has_conflict = state.wanted.is_some();
        if has_succeeded {
            return Ok(has_conflict);
        }
        if has_conflict || state.is_aborted {
            return Ok(!state.is_aborted);
        }
        // Work that saw the arena before and after a change of another thread may fail only because of that change.
        self.still_applies(&state).map(|still_applies| !still_applies)
    }

    /// Rolls back and releases everything, and returns the values to lock from the start next time.
    fn give_up(&self) -> Vec<BareCell> {
        let mut known = self.roll_back();
        known.extend(self.state.borrow_mut().wanted.take());
        known.sort_by_key(BareCell::start);
        known
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::{Arena, Transaction};
    use crate::error::{Error, LockError};
    use crate::lock::interruption::interruptible_within;

    /// A commit that a signal has ended has changed nothing, and is done by the next call.
    #[test]
    fn an_interrupted_commit_can_be_repeated() {
        let arena = Arena::new(1 << 20).unwrap();
        let (one, other) = (arena.insert("one", 1).unwrap(), arena.insert("other", 2).unwrap());
        thread::scope(|scope| {
            let (locked, held) = mpsc::channel();
            // If the test fails, it is dropped, and the thread ends.
            let (release, released) = mpsc::channel();
            let arena = &arena;
            scope.spawn(move || {
                let edited = arena.edit(|_| {
                    locked.send(()).unwrap();
                    released.recv().unwrap();
                    Ok(())
                });
                edited.unwrap();
            });
            held.recv().unwrap();
            let mut attempts = arena.transaction_attempts().unwrap();
            let attempt = attempts.begin().unwrap();
            attempt.lock(&one).unwrap().set(10).unwrap();
            assert!(attempt.remove("other").unwrap());
            for _ in 0..2 {
                let ended = interruptible_within(Duration::from_millis(1), || attempts.end(&attempt, true));
                assert!(matches!(ended, Err(Error::Lock(LockError::Interrupted))), "{ended:?}");
            }
            assert!(arena.contains("other"));
            release.send(()).unwrap();
            assert!(attempts.end(&attempt, true).unwrap());
        });
        assert_eq!((one.get(), other.get(), arena.contains("other")), (10, 2, false));
    }

    /// Between a check of the look-ups without the lock and the commit, another thread could remove what was found. And a
    /// failure that was not checked may come from a state that the arena never had.
    #[test]
    fn look_ups_are_checked_under_the_lock_of_the_directory() {
        let arena = Arena::new(1 << 20).unwrap();
        let (one, other) = (arena.insert("one", 1).unwrap(), arena.insert("other", 2).unwrap());
        let is_late = |work: &(dyn Fn(&Transaction<'_>) -> Result<(), Error> + Sync)| {
            let done = arena.transaction_timeout(Duration::ZERO, work);
            assert!(matches!(done, Err(Error::TimedOut { .. })), "{done:?}");
        };
        let look_up = |tx: &Transaction<'_>, key| tx.get::<i32>(key).map(drop);
        let try_all = || {
            is_late(&|tx| look_up(tx, "missing"));
            is_late(&|tx| look_up(tx, "one").and_then(|()| tx.lock(&one)?.set(10)));
            is_late(&|tx| {
                look_up(tx, "one")?;
                tx.lock(&one)?.set(10)?;
                tx.lock(&other)?.set(20)
            });
            is_late(&|tx| look_up(tx, "missing").and(Err(Error::Unwound)));
            // Without a look-up, it needs no lock but that of the value.
            arena.transaction_timeout(Duration::ZERO, |tx| tx.lock(&other)?.set(3)).unwrap();
        };
        let tried = arena.edit(|_| {
            thread::scope(|scope| scope.spawn(try_all).join().unwrap());
            Ok(())
        });
        tried.unwrap();
        assert_eq!((one.get(), other.get()), (1, 3));
    }
}
