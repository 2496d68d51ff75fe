//! `Transaction`: changes of an arena that are committed together.

mod attempts;
mod commit;
mod pending;

use std::cell::{self, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::arena::edit::{late, make};
use crate::arena::id::Id;
use crate::arena::key::{AnyKey, Key, Sought, check_key};
use crate::arena::map::Arena;
use crate::arena::transaction::pending::{Made, Pending};
use crate::cell::{BareCell, Cell};
use crate::error::Error;
use crate::format::contents::Contents;
use crate::handle::guard::Guard;
use crate::handle::initial::Initial;
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::heap::{BlockId, Trailer, lost};
use crate::lock::{Refusal, Thread, Wait};

pub use crate::arena::transaction::attempts::Attempts;

/// A transaction in progress. The closure of [`Arena::transaction`] calls its methods to lock, add and remove values.
///
/// All changes take effect at once when the closure has returned `Ok`; otherwise nothing changes.
///
/// ```
/// use shared_value::Arena;
///
/// let arena = Arena::new(1 << 16)?;
/// let (one, other) = (arena.insert("one", 30_i64)?, arena.insert("other", 70_i64)?);
/// arena.transaction(|tx| {
///     tx.lock(&one)?.update(|value| *value += 10)?;
///     tx.lock(&other)?.update(|value| *value -= 10)?;
///     tx.insert("moved", 10_i64)?;
///     Ok(())
/// })?;
/// assert_eq!((one.get(), other.get(), arena.contains("moved")), (40, 60, true));
/// # Ok::<(), shared_value::Error>(())
/// ```
pub struct Transaction<'a> {
    arena: &'a Arena,
    thread: Thread,
    /// The thread's token when the transaction began; its complement when the transaction has ended.
    token: cell::Cell<u64>,
    /// How long to wait for a lock.
    wait: Wait,
    state: RefCell<Pending>,
    /// A transaction belongs to the thread that began it.
    not_send: PhantomData<*const ()>,
}

impl Transaction<'_> {
    /// Locks a value, unless this transaction has locked it already. The guard reads and changes the value, as any other
    /// handle of this thread does; dropping it releases nothing, and it cannot commit or roll back.
    ///
    /// It locks a removed value too, which only its handles see. Look the value up by [`get`](Self::get), and it is there when
    /// this transaction commits.
    ///
    /// # Errors
    /// - `Conflict` if the transaction has to begin again: the closure returns this error.
    /// - `Lock` with [`AlreadyHeld`](crate::LockError::AlreadyHeld) if this thread holds the lock, but not by this
    ///   transaction.
    /// - `Unsupported` if the value does not lie in the arena, and in a child that was forked in the closure.
    /// - The errors of [`Synchronized::lock`].
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let (one, two) = (arena.insert("one", 1)?, arena.insert("two", 2)?);
    /// arena.transaction(|tx| {
    ///     let (one, two) = (tx.lock(&one)?, tx.lock(&two)?);
    ///     let before = one.get();
    ///     one.set(two.get())?;
    ///     two.set(before)
    /// })?;
    /// assert_eq!((one.get(), two.get()), (2, 1));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn lock<'v, C: Shared + ?Sized>(&self, value: &'v Synchronized<C>) -> Result<Guard<'v, C>, Error> {
        self.join(&value.cell)?;
        value.lock()
    }

    /// Returns the value with a key or an id, if the arena has such a value after the changes of this transaction so far.
    ///
    /// It takes no lock. If another thread or process adds or removes the value before this transaction commits, this one
    /// begins again.
    ///
    /// # Errors
    /// The errors of [`Arena::get`]. `Unsupported` in a child that was forked in the closure, for a value that the
    /// transaction has added by [`alloc`](Self::alloc).
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// arena.transaction(|tx| {
    ///     tx.insert("note", 30)?;
    ///     assert!(tx.get::<i32>("note")?.is_some());
    ///     assert!(arena.get::<i32>("note")?.is_none());
    ///     Ok(())
    /// })?;
    /// assert!(arena.contains("note"));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn get<'k, C: Shared + ?Sized>(&self, key: impl Into<Key<'k, C>>) -> Result<Option<Synchronized<C>>, Error> {
        let sought = key.into().sought();
        while let Some(found) = self.find(sought) {
            if self.state.borrow().private.contains(&found.at) {
                // A forked child must not have a handle of which its parent knows nothing.
                self.check_held()?;
                self.state.borrow_mut().give_out(&found);
            }
            if let Some(cell) = self.arena.cell_of(&found, sought)? {
                return Ok(Some(Synchronized::of(cell)));
            }
            if self.state.borrow().adds(&found) {
                // Only the parent of a forked child, or a hostile process, ends the use of a block of this transaction.
                self.check_held()?;
                return Err(lost(self.arena.segment(), found.at));
            }
        }
        Ok(None)
    }

    /// Adds a value under a new key.
    ///
    /// # Errors
    /// The errors of [`Arena::insert`]; `AlreadyExists` takes into account what this transaction has added and removed. If
    /// another thread or process adds the key before this transaction commits, this one begins again.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let total = arena.insert("total", 0)?;
    /// arena.transaction(|tx| {
    ///     tx.insert("part", 5)?;
    ///     tx.lock(&total)?.update(|total| *total += 5)
    /// })?;
    /// assert_eq!((total.get(), arena.len()), (5, 2));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn insert<'a, C: Shared + ?Sized>(
        &self,
        key: &str,
        initial: impl Into<Initial<'a, C>>,
    ) -> Result<Synchronized<C>, Error> {
        self.insert_new(key, &initial.into())
    }

    fn insert_new<C: Shared + ?Sized>(&self, key: &str, initial: &Initial<'_, C>) -> Result<Synchronized<C>, Error> {
        check_key(key)?;
        if self.find(Sought::Key(key)).is_some() {
            return Err(self.arena.taken(key));
        }
        self.add(Some(key), initial).map(|(_, cell)| Synchronized::of(cell))
    }

    /// Adds a value without a key, and returns its id.
    ///
    /// # Errors
    /// The errors of [`Arena::alloc`].
    ///
    /// ```
    /// use shared_value::{Arena, Id, SharedValue};
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Node { value: i64, next: Option<Id<Node>> }
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let head = arena.insert::<Option<Id<Node>>>("head", None)?;
    /// arena.transaction(|tx| {
    ///     // Either the node is in the list, or there is no node.
    ///     let head = tx.lock(&head)?;
    ///     head.set(Some(tx.alloc(Node { value: 1, next: head.get() })?))
    /// })?;
    /// assert_eq!(head.get().map(|id| arena.contains(id)), Some(true));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn alloc<'a, C: Shared + ?Sized>(&self, initial: impl Into<Initial<'a, C>>) -> Result<Id<C>, Error> {
        let (block, _) = self.add(None, &initial.into())?;
        self.state.borrow_mut().private.push(block.at);
        Ok(Id::of(BlockId::of(self.arena.heap(), &block)))
    }

    /// Returns the value of a key, and adds it if it is missing. If another thread or process adds it first, returns that one, or
    /// begins again at the commit.
    ///
    /// # Errors
    /// The errors of [`get`](Self::get) and [`insert`](Self::insert), except `AlreadyExists`.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// arena.transaction(|tx| {
    ///     let (hits, misses) = (tx.get_or_insert_with("hits", || 0)?, tx.get_or_insert_with("misses", || 0)?);
    ///     tx.lock(&hits)?.update(|hits| *hits += 1)?;
    ///     tx.lock(&misses)?.update(|misses| *misses += 2)
    /// })?;
    /// assert_eq!(arena.get::<i32>("misses")?.map(|misses| misses.get()), Some(2));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn get_or_insert_with<'a, C: Shared + ?Sized, I: Into<Initial<'a, C>>>(
        &self,
        key: &str,
        initial: impl FnOnce() -> I,
    ) -> Result<Synchronized<C>, Error> {
        if let Some(found) = self.get(key)? {
            return Ok(found);
        }
        let initial = initial().into();
        loop {
            // Another thread may have added the key since, or the closure.
            match self.insert_new(key, &initial) {
                Err(Error::AlreadyExists { .. }) => {}
                inserted => return inserted,
            }
            if let Some(found) = self.get(key)? {
                return Ok(found);
            }
        }
    }

    /// Puts a new value under a key, and removes the value that was there, if there was one.
    ///
    /// # Errors
    /// The errors of [`Arena::replace`]. If another thread or process replaces or removes the old value before this
    /// transaction commits, this one begins again.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let (prices, length) = (arena.insert("prices", vec![1.5])?, arena.insert("length", 1_u64)?);
    /// arena.transaction(|tx| {
    ///     tx.replace("prices", vec![1.5, 2.5])?;
    ///     tx.lock(&length)?.set(2)
    /// })?;
    /// assert_eq!((prices.len(), length.get()), (1, 2));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn replace<'a, C: Shared + ?Sized>(
        &self,
        key: &str,
        initial: impl Into<Initial<'a, C>>,
    ) -> Result<Synchronized<C>, Error> {
        check_key(key)?;
        // The new value is made first: if that fails, nothing is removed.
        let (block, cell) = self.create(Some(key), &initial.into())?;
        self.take_away(Sought::Key(key));
        self.state.borrow_mut().add(Made { block, key: Some(key.to_owned()), cell: cell.untyped() });
        Ok(Synchronized::of(cell))
    }

    /// Removes the value of a key or an id. Returns whether there was one.
    ///
    /// # Errors
    /// `Unsupported` in a child that was forked in the closure. If another thread or process removes the value before this
    /// transaction commits, this one begins again.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// arena.insert("todo", 1)?;
    /// arena.transaction(|tx| {
    ///     assert!(tx.remove("todo")?);
    ///     tx.insert("done", 1).map(drop)
    /// })?;
    /// assert!(arena.contains("done") && !arena.contains("todo"));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn remove<'k>(&self, key: impl Into<AnyKey<'k>>) -> Result<bool, Error> {
        self.check_held()?;
        Ok(self.take_away(key.into().0))
    }

    fn take_away(&self, sought: Sought<'_>) -> bool {
        let Some(found) = self.find(sought) else { return false };
        self.state.borrow_mut().remove(found);
        true
    }

    /// Marks an error as one that ends the transaction: if the closure returns an error, the transaction rolls back and is
    /// over. The closure is not called again, even if it has failed because of what another thread has changed. Returns the
    /// error.
    ///
    /// Without this, a closure that fails is called again if others have added or removed one of its keys, or if it lacked a
    /// lock.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use shared_value::{Arena, Error};
    ///
    /// static STOP: AtomicBool = AtomicBool::new(false); // A signal handler sets it.
    ///
    /// # #[derive(Debug)]
    /// enum Failure { Stopped, Shared(Error) }
    ///
    /// impl From<Error> for Failure {
    ///     fn from(error: Error) -> Self {
    ///         Self::Shared(error)
    ///     }
    /// }
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// # STOP.store(true, Ordering::Relaxed);
    /// let worked = arena.try_transaction(|tx| {
    ///     tx.insert("begun", 1)?;
    ///     # arena.insert("begun", 2)?;
    ///     if STOP.load(Ordering::Relaxed) {
    ///         return Err(tx.abort(Failure::Stopped));
    ///     }
    ///     Ok(())
    /// });
    /// assert!(matches!(worked, Err(Failure::Stopped)));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn abort<E>(&self, error: E) -> E {
        self.state.borrow_mut().is_aborted = true;
        error
    }

    /// Finds a block in the arena after the changes of this transaction so far.
    fn find(&self, sought: Sought<'_>) -> Option<Trailer> {
        let mut state = self.state.borrow_mut();
        if let Some(added) = state.find(self.arena.heap(), sought) {
            return Some(added);
        }
        let found = self.arena.find(sought);
        state.note(self.arena.heap(), sought, found.as_ref());
        found.filter(|found| !state.removes(found))
    }

    fn add<C: Shared + ?Sized>(
        &self,
        key: Option<&str>,
        initial: &Initial<'_, C>,
    ) -> Result<(Trailer, Cell<C>), Error> {
        let (block, cell) = self.create(key, initial)?;
        self.state.borrow_mut().add(Made { block, key: key.map(str::to_owned), cell: cell.untyped() });
        Ok((block, cell))
    }

    /// Makes a value in a block that is not present.
    fn create<C: Shared + ?Sized>(
        &self,
        key: Option<&str>,
        initial: &Initial<'_, C>,
    ) -> Result<(Trailer, Cell<C>), Error> {
        self.check_held()?;
        self.arena.edit_within(self.wait, |editor| {
            let made = make::<C>(editor, key, &initial.0, true)?;
            // It stays when the lock of the directory is released, as long as its cell claims it.
            editor.wait(made.0.at);
            editor.keep(made.0.at);
            editor.commit();
            Ok(made)
        })
    }

    fn join<C: Contents + ?Sized>(&self, cell: &Cell<C>) -> Result<(), Error> {
        if !Arc::ptr_eq(cell.shared_segment(), self.arena.segment()) || !cell.has_own_lock() {
            return Err(Error::Unsupported { what: "a transaction changes values of its own arena" });
        }
        self.join_bare(cell.start(), || cell.bare())
    }

    /// Locks the value whose cell starts at an offset.
    fn join_bare(&self, place: usize, cell: impl FnOnce() -> BareCell) -> Result<(), Error> {
        // In a forked child, nothing would ever commit or release the value.
        self.check_held()?;
        let mut state = self.state.borrow_mut();
        let Err(index) = state.joined.binary_search_by_key(&place, BareCell::start) else { return Ok(()) };
        // Lock ordering: a thread that waits only for locks behind all those that it holds cannot be part of a deadlock.
        let is_in_order = index == state.joined.len();
        let cell = cell();
        match cell.join(self.thread, if is_in_order { self.wait } else { Wait::Never }) {
            Ok(()) => {
                state.joined.insert(index, cell);
                Ok(())
            }
            Err(Refusal::WouldBlock | Refusal::TimedOut) if is_in_order => {
                Err(late(&format!("the lock of a value of `{}`, for a transaction", self.arena.segment_name())))
            }
            Err(Refusal::WouldBlock) => {
                state.wanted = Some(cell);
                Err(Error::Conflict)
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Returns whether the running thread began the transaction, which has not ended. This is false in a forked child.
    pub(super) fn is_held(&self) -> bool {
        self.thread.token() == self.token.get()
    }

    /// Notes that the transaction has ended.
    pub(super) fn note_end(&self) {
        self.token.set(!self.thread.token());
    }

    /// # Errors
    /// `Unsupported` if the transaction has ended.
    pub(super) fn check_not_ended(&self) -> Result<(), Error> {
        if self.token.get() == !self.thread.token() {
            return Err(Error::Unsupported { what: "a transaction that has ended cannot be ended again" });
        }
        Ok(())
    }

    fn check_held(&self) -> Result<(), Error> {
        if self.is_held() {
            return Ok(());
        }
        Err(Error::Unsupported { what: "a transaction changes values until it ends, and not in a forked child" })
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.roll_back();
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.borrow();
        let counts = (state.joined.len(), state.added.len(), state.removed.len());
        formatter.debug_struct("Transaction").field("locked, added, removed", &counts).finish_non_exhaustive()
    }
}
