//! Options of live values.
#![expect(private_interfaces, reason = "the sealed traits can be neither named nor called from outside")]

use crate::cell::Terms;
use crate::error::Error;
use crate::format::OneSlot;
use crate::handle::access::ReadOnly;
use crate::handle::initial::Initial;
use crate::handle::options::{Options, sealed};
use crate::handle::value_options::create_cell;
use crate::live::{Live, Plain};
use crate::lock::LockKind;
use crate::segment::Location;
use crate::share::{self, Opening, Source};

impl<C: Plain + ?Sized> Options<Live<C>> {
    /// Sets the kind of a new value's lock, and which locks to accept when a value is opened; see [`LockKind`]. In an arena, all
    /// locks are native.
    pub fn lock_kind(self, kind: LockKind) -> Self {
        let guarding = self.guarding().with_own(kind);
        self.guarded(guarding)
    }

    /// Makes the lock of a new value non-recursive: while a thread holds the lock, it cannot take it again, but gets
    /// [`AlreadyHeld`](crate::LockError::AlreadyHeld).
    ///
    /// All programs that open the value get the same lock, with or without this option, also in an arena. With the option, a
    /// value whose lock is recursive does not open.
    ///
    /// ```
    /// use shared_value::{Arena, Error, Live, LockError};
    ///
    /// // Seventy thousand locks, in one file.
    /// let arena = Arena::new(16 << 20)?;
    /// let lock = Live::<[u8]>::options().non_recursive().alloc(&arena, Vec::new())?;
    /// let guard = lock.lock()?;
    /// assert!(matches!(lock.lock(), Err(Error::Lock(LockError::AlreadyHeld))));
    /// # drop(guard);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn non_recursive(self) -> Self {
        let guarding = self.guarding().once();
        self.guarded(guarding)
    }

    /// Makes the options of a handle that only reads.
    pub fn read_only(self) -> Options<Live<C, ReadOnly>> {
        self.into_handle()
    }
}

impl<C: Plain + ?Sized> sealed::Handle for Live<C> {
    fn open_from(source: &Source<'_>, terms: &Terms) -> Result<Self, Error> {
        share::open(source, &Opening::ReadWrite(terms.guarding.clone())).map(Self::of)
    }
}

impl<C: Plain + ?Sized> sealed::Handle for Live<C, ReadOnly> {
    fn open_from(source: &Source<'_>, _: &Terms) -> Result<Self, Error> {
        share::open(source, &Opening::ReadOnly).map(Self::of)
    }
}

impl<C: Plain + ?Sized> sealed::Create for Live<C> {
    type Initial<'a> = Initial<'a, C>;

    fn create_at(location: &Location<'_>, initial: &Initial<'_, C>, terms: &Terms) -> Result<Self, Error> {
        create_cell::<OneSlot<C>>(location, &initial.0, terms).map(Self::of)
    }
}
