//! Options of values: which lock a value has, and what its handles may do.
#![expect(private_interfaces, reason = "the sealed traits can be neither named nor called from outside")]

use crate::cell::parts::Parts;
use crate::cell::{Cell, Guarding, Recognized, Terms};
use crate::error::Error;
use crate::handle::access::{Access, ReadOnly, Unlocked, Writable};
use crate::handle::initial::Initial;
use crate::handle::initialize::Initialize;
use crate::handle::options::{Options, sealed};
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::lock::LockKind;
use crate::segment::Location;
use crate::share::{self, Source};

impl<C: Shared + ?Sized> Options<Synchronized<C>> {
    /// Sets the kind of a new value's own lock, and which locks to accept when a value is opened. With `Pthread`, which needs
    /// the feature `pthread`, either kind is accepted, because a process that trusts the other writers can use the native
    /// lock too.
    ///
    /// ```
    /// use shared_value::{LockKind, Synchronized};
    ///
    /// # #[cfg(feature = "pthread")] {
    /// // C programs can take the lock of this value too.
    /// let value = Synchronized::options().lock_kind(LockKind::Pthread).new(7_u64)?;
    /// value.update(|value| *value += 1)?;
    /// # }
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn lock_kind(self, kind: LockKind) -> Self {
        let guarding = self.guarding().with_own(kind);
        self.guarded(guarding)
    }

    /// Makes the own lock of a new value non-recursive: while a thread holds the lock, it cannot take it again, but gets
    /// [`AlreadyHeld`](crate::LockError::AlreadyHeld). By default a thread may take the lock again.
    ///
    /// For async code: to the lock, all tasks of a thread are that thread. A task that keeps a guard across an `.await`
    /// therefore lets another task in, unless the lock is non-recursive. While a thread holds a guard, changes by the handle
    /// fail too: change the value by the guard.
    ///
    /// The segment records this, so all programs that open the value get the same lock, with or without this option. With
    /// the option, a value whose lock is recursive does not open (`InvalidSegment`). Each `lock` costs some nanoseconds more.
    /// A value under a lock object follows the rule of that object: an [`RLock`](crate::RLock) or a [`Lock`](crate::Lock).
    /// Locks of the values of an arena are always recursive.
    ///
    /// ```
    /// use shared_value::{Error, LockError, Synchronized};
    ///
    /// let balance = Synchronized::options().non_recursive().new(100_i64)?;
    /// let guard = balance.lock()?;
    /// assert!(matches!(balance.lock(), Err(Error::Lock(LockError::AlreadyHeld))));
    /// assert!(matches!(balance.set(5), Err(Error::Lock(LockError::AlreadyHeld))));
    /// guard.set(20)?;
    /// drop(guard);
    /// assert_eq!(balance.get(), 20);
    ///
    /// // Another program need not know how the value was created.
    /// let opened = Synchronized::<i64>::open(balance.token()?)?;
    /// let guard = opened.lock()?;
    /// assert!(matches!(opened.lock(), Err(Error::Lock(LockError::AlreadyHeld))));
    /// # drop(guard);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn non_recursive(self) -> Self {
        let guarding = self.guarding().once();
        self.guarded(guarding)
    }

    /// Makes the options of a handle that only reads.
    pub fn read_only(self) -> Options<Synchronized<C, ReadOnly>> {
        self.into_handle()
    }

    /// Makes the options of a value without a lock, as Python's `RawValue`; see [`Unlocked`].
    ///
    /// ```
    /// use shared_value::Synchronized;
    ///
    /// let raw = Synchronized::options().unlocked().new(1.5_f64)?;
    /// raw.set(2.5)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn unlocked(self) -> Options<Synchronized<C, Unlocked>> {
        self.guarded(Guarding::None).into_handle()
    }
}

impl<C: Shared + ?Sized, A: Access> sealed::Handle for Synchronized<C, A> {
    fn open_from(source: &Source<'_>, terms: &Terms) -> Result<Self, Error> {
        share::open(source, &A::opening(&terms.guarding)).map(Self::of)
    }
}

impl<C: Shared + ?Sized, A: Writable> sealed::Create for Synchronized<C, A> {
    type Initial<'a> = Initial<'a, C>;

    fn create_at(location: &Location<'_>, initial: &Initial<'_, C>, terms: &Terms) -> Result<Self, Error> {
        create_cell(location, &initial.0, terms).map(Self::of)
    }
}

/// Creates a segment for a value that is made from this source.
pub(crate) fn create_cell<C: Initialize + Recognized + ?Sized>(
    location: &Location<'_>,
    source: &C::Source<'_>,
    terms: &Terms,
) -> Result<Cell<C>, Error> {
    let facts = C::facts_of(source)?;
    let terms = if C::is_zeroed(source) { &terms.sparse() } else { terms };
    let write = |parts: &Parts<'_, C>| {
        if !terms.is_sparse {
            C::write(source, parts);
        }
    };
    Cell::create(location, terms, &facts, 0, write)
}
