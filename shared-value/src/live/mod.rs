//! `Live`: a value in one slot, beside a lock of its own. It is plain memory, for views that must not move.

mod arena;
mod guard;
mod handover;
mod host;
mod memory;
mod options;
mod wait;

use std::fmt;
use std::marker::PhantomData;

use crate::cell::Cell;
use crate::dynamic::Dyn;
use crate::error::Error;
use crate::format::OneSlot;
use crate::handle::access::{ReadOnly, ReadWrite};
use crate::handle::initial::Initial;
use crate::handle::options::Options;
use crate::handle::shared::Shared;
use crate::layout::SharedValue;
use crate::lock::LockState;
use crate::segment::Location;
use crate::share::Source;

pub use guard::LiveGuard;

/// A value in shared memory that lies in one place, beside a lock of its own: what Python's `Value` and `Array` are.
///
/// It is for programs in other languages that look at memory while it changes: a view of an array, an object that lies directly
/// over the bytes. [`as_ptr`](Self::as_ptr) returns the place. For everything else, a [`Synchronized`](crate::Synchronized)
/// promises more:
///
/// | | `Synchronized` | `Live` |
/// |---|---|---|
/// | the lock | recursive, freed by the kernel when its owner is killed | the same |
/// | an owner that is killed while it writes | has changed nothing | has changed what it had written so far; the next owner learns of it by [`recovered`](LiveGuard::recovered) |
/// | a panic, `rollback` | discards the changes | discards nothing, and there is no `rollback` |
/// | a read without the lock | is of one version | copies word by word, and may mix what was before a write with what came after it |
/// | memory | two copies | one |
/// | versions, `changes`, transactions, snapshots | yes | no |
///
/// So take the [`lock`](Self::lock) to read several words of one moment, and to change more than one word.
///
/// A live value is a segment of its own, or lies in an [`Arena`](crate::Arena) ([`alloc`](Self::alloc),
/// [`find`](Self::find)), where thousands share one file. Its contents are a `T`, an array `[E]`, or a value that only its layout
/// describes ([`Dyn`]). Lengths never change.
///
/// Its lock is the native one, or with the feature `pthread` a pthread mutex ([`LockKind`](crate::LockKind)). A lock object
/// ([`RLock`](crate::RLock)) cannot guard it.
///
/// ```
/// use shared_value::{Filled, Live};
///
/// let samples = Live::<[f64]>::new(Filled(0.5, 1_000))?;
/// let guard = samples.lock()?;
/// samples.parts().update_at(7, |sample| *sample *= 4.0)?;
/// drop(guard);
/// assert_eq!((samples.parts().at(7), samples.size()), (2.0, 8_000));
/// # Ok::<(), shared_value::Error>(())
/// ```
pub struct Live<C: Plain + ?Sized, A = ReadWrite> {
    cell: Cell<OneSlot<C>>,
    access: PhantomData<fn() -> A>,
}

/// The contents that a [`Live`] can have: a [`SharedValue`], a slice of them, or a [`Dyn`]. A value whose length changes
/// needs versions.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be live",
    label = "neither a `SharedValue`, nor a slice of them, nor a `Dyn`",
    note = "vectors and texts whose length changes need the versions of a `Synchronized`"
)]
pub trait Plain: Shared {}

impl<T: SharedValue> Plain for T {}
impl<E: SharedValue> Plain for [E] {}
impl Plain for Dyn {}

impl<C: Plain + ?Sized, A> Live<C, A> {
    fn of(cell: Cell<OneSlot<C>>) -> Self {
        Self { cell, access: PhantomData }
    }
}

/// Creating and opening.
impl<C: Plain + ?Sized> Live<C> {
    /// Creates a value without a name, for this process, its forked children, and processes that it is handed to.
    ///
    /// # Errors
    /// The errors of [`Synchronized::new`](crate::Synchronized::new).
    ///
    /// ```
    /// use shared_value::Live;
    ///
    /// let count = Live::new(7_i64)?;
    /// count.update(|count| *count += 1)?;
    /// assert_eq!(count.get(), 8);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn new<'a>(initial: impl Into<Initial<'a, C>>) -> Result<Self, Error> {
        Self::options().new(initial)
    }

    /// Creates a value under a new name, or in a new file, which appears only when the value is complete.
    ///
    /// # Errors
    /// The errors of [`Synchronized::create`](crate::Synchronized::create).
    ///
    /// ```
    /// use shared_value::Live;
    ///
    /// # let name = format!("shared-value-doc-live-create-{}", std::process::id());
    /// let primes = Live::<[u32]>::create(&name, &[2, 3, 5])?;
    /// assert_eq!(Live::<[u32]>::open(&name)?.parts().at(2), 5);
    /// primes.unlink()?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn create<'a>(location: impl Into<Location<'a>>, initial: impl Into<Initial<'a, C>>) -> Result<Self, Error> {
        Self::options().create(location, initial)
    }

    /// Opens a value, or creates it if it does not exist; see
    /// [`Synchronized::open_or_create`](crate::Synchronized::open_or_create).
    ///
    /// # Errors
    /// The errors of [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create<'a>(
        location: impl Into<Location<'a>>,
        initial: impl Into<Initial<'a, C>>,
    ) -> Result<Self, Error> {
        Self::options().open_or_create(location, initial)
    }

    /// Opens a value by its name, file, [`Token`](crate::Token), or socket, or as [inherited](Source::inherited). A token may be
    /// that of a value in an arena.
    ///
    /// # Errors
    /// The errors of [`Synchronized::open`](crate::Synchronized::open); `InvalidSegment` also if the value is not a live value.
    ///
    /// ```
    /// use shared_value::{Live, Synchronized};
    ///
    /// let live = Live::new(7_i64)?;
    /// assert_eq!(Live::<i64>::open(live.token()?)?.get(), 7);
    /// let error = Synchronized::<i64>::open(live.token()?).unwrap_err();
    /// assert!(error.to_string().ends_with("found one: it is a live value, so open it as a `Live`"));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn open<'a>(source: impl Into<Source<'a>>) -> Result<Self, Error> {
        Self::options().open(source)
    }

    /// Opens a value for reading only: read permission is enough.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open).
    pub fn open_read_only<'a>(source: impl Into<Source<'a>>) -> Result<Live<C, ReadOnly>, Error> {
        Self::options().read_only().open(source)
    }

    /// Returns options for creating and opening: mode, lock, access, waiting.
    pub fn options() -> Options<Self> {
        Options::default()
    }
}

/// State.
impl<C: Plain + ?Sized, A> Live<C, A> {
    /// Returns how often the lock was taken over from a thread that died while it held the lock. The value is then as that thread
    /// had left it, perhaps in the middle of a change.
    pub fn recoveries(&self) -> u64 {
        self.cell.recoveries()
    }

    /// Returns whether the lock is held now, and by which thread.
    pub fn lock_state(&self) -> LockState {
        self.cell.lock_state()
    }

    /// Returns the name or path of the segment, `(anonymous)` if it has none.
    pub fn segment_name(&self) -> &str {
        self.cell.name()
    }

    /// Unlinks the name or the file of this value, as [`Synchronized::unlink`](crate::Synchronized::unlink) does.
    ///
    /// # Errors
    /// The errors of [`Synchronized::unlink`](crate::Synchronized::unlink).
    pub fn unlink(&self) -> Result<(), Error> {
        if self.cell.number() != 0 {
            return Err(Error::Unsupported { what: "a value in an arena has no name: remove it, or unlink the arena" });
        }
        self.cell.segment().unlink()
    }
}

impl<C: Plain + ?Sized, A> Clone for Live<C, A> {
    fn clone(&self) -> Self {
        Self::of(self.cell.clone())
    }
}

/// Prints where the value lies, and the state of the lock, but not the value.
impl<C: Plain + ?Sized, A> fmt::Debug for Live<C, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Live")
            .field("name", &self.segment_name())
            .field("size", &self.size())
            .field("lock", &self.lock_state())
            .finish_non_exhaustive()
    }
}
