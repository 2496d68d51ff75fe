//! `Synchronized`: the handle of a value.

use std::fmt;
use std::marker::PhantomData;
use std::path::Path;
use std::time::Duration;

use crate::cell::{Cell, Guarding, Terms};
use crate::error::Error;
use crate::handle::access::{self, Access, ReadOnly, ReadWrite, Unlocked, Writable};
use crate::handle::guard::Guard;
use crate::handle::shared::Shared;
use crate::hold::read;
use crate::layout::SharedValue;
use crate::lock::{LockKind, LockState, Wait};
use crate::segment::Place;

/// A value in shared memory, beside its lock.
///
/// Reads take no lock and see committed values only. Changes take the lock, which is recursive and survives its owner,
/// and become visible all at once. Clones are handles of the same value; forked children inherit handles.
///
/// ```
/// use shared_value::Synchronized;
///
/// let counter = Synchronized::new(0_i64)?;
/// counter.update(|count| *count += 1)?;
/// assert_eq!(counter.get(), 1);
/// # Ok::<(), shared_value::Error>(())
/// ```
pub struct Synchronized<C: Shared + ?Sized, A = ReadWrite> {
    pub(crate) cell: Cell<C>,
    access: PhantomData<fn() -> A>,
}

impl<C: Shared + ?Sized, A> Synchronized<C, A> {
    pub(crate) fn of(cell: Cell<C>) -> Self {
        Self { cell, access: PhantomData }
    }
}

impl<T: SharedValue> Synchronized<T> {
    /// A value without a name, for this process, the children that it forks, and whoever it hands the value to.
    ///
    /// # Errors
    /// `Io` if there is no memory for it.
    pub fn new(value: T) -> Result<Self, Error> {
        Ok(Self::of(Cell::create(&Place::Anonymous, &Terms::default(), &value)?))
    }

    /// A value under a new name, which any process of this user can open until it is [unlinked](crate::unlink).
    ///
    /// The name appears only when the value is complete. It is that of a file in `/dev/shm`, with mode 0600; for
    /// another mode see [`Options`](crate::Options).
    ///
    /// # Errors
    /// `AlreadyExists` if the name is taken, `InvalidName`, `Io`.
    pub fn create(name: &str, value: T) -> Result<Self, Error> {
        Ok(Self::of(Cell::create(&Place::named(name)?, &Terms::default(), &value)?))
    }

    /// The value that has this name, created if there is none. Of many who call this at once, one creates.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create(name: &str, value: T) -> Result<Self, Error> {
        Ok(Self::of(Cell::open_or_create(&Place::named(name)?, &Terms::default(), &value)?))
    }

    /// A value in a new file, which outlives all processes. The file appears only when the value is complete.
    ///
    /// After a crash of the whole machine the file holds what the system had written of it, which may be a mixture of
    /// versions.
    ///
    /// # Errors
    /// `AlreadyExists`, and `Io`, also where the file system has no `O_TMPFILE`.
    pub fn create_file(path: impl AsRef<Path>, value: T) -> Result<Self, Error> {
        let place = Place::File(path.as_ref().to_owned());
        Ok(Self::of(Cell::create(&place, &Terms::default(), &value)?))
    }

    /// The value in a file, which is created if there is none. Of many who call this at once, one creates.
    ///
    /// # Errors
    /// As [`open_file`](Self::open_file) and [`create_file`](Self::create_file).
    pub fn open_or_create_file(path: impl AsRef<Path>, value: T) -> Result<Self, Error> {
        let place = Place::File(path.as_ref().to_owned());
        Ok(Self::of(Cell::open_or_create(&place, &Terms::default(), &value)?))
    }

    /// Lets the closure change the value under the lock, as [`update`](Self::update) does, but changes nothing if the
    /// closure fails.
    ///
    /// ```
    /// use shared_value::{Error, Synchronized};
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
    /// let balance = Synchronized::new(10_i64)?;
    /// let paid = balance.try_update(|balance| {
    ///     *balance -= 25;
    ///     if *balance < 0 { Err(Refusal::TooLittle) } else { Ok(()) }
    /// });
    /// assert!(matches!(paid, Err(Refusal::TooLittle)));
    /// assert_eq!((balance.get(), balance.version()), (10, 0));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// What the closure returns, and as [`update`](Self::update).
    #[inline]
    pub fn try_update<R, E: From<Error>>(&self, change: impl FnOnce(&mut T) -> Result<R, E>) -> Result<R, E> {
        self.cell.locked(|hold| {
            let value = read::whole_held(hold).check()?;
            hold.try_update_through(0, value, change)
        })
    }
}

impl<C: Shared + ?Sized> Synchronized<C> {
    /// The value that has this name.
    ///
    /// # Errors
    /// `NotFound`, `LayoutMismatch` if it is of another type, `InvalidSegment`, `InvalidName`, `Io`.
    pub fn open(name: &str) -> Result<Self, Error> {
        Ok(Self::of(Cell::open(&Place::named(name)?, &Guarding::Own(LockKind::Native))?))
    }

    /// The value in a file.
    ///
    /// # Errors
    /// `NotFound`, `LayoutMismatch` if it is of another type, `InvalidSegment`, `Io`.
    pub fn open_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self::of(Cell::open(&Place::File(path.as_ref().to_owned()), &Guarding::Own(LockKind::Native))?))
    }

    /// Takes the lock, or takes it once more, and waits for it as long as that needs.
    ///
    /// # Errors
    /// `TooManyHeld`, `TooDeep`, `Unsupported`.
    #[inline]
    pub fn lock(&self) -> Result<Guard<'_, C>, Error> {
        Guard::acquire(&self.cell, Wait::Forever)
    }

    /// Takes the lock if that can be done at once.
    ///
    /// # Errors
    /// `WouldBlock` if another thread or process holds it, and as [`lock`](Self::lock).
    #[inline]
    pub fn try_lock(&self) -> Result<Guard<'_, C>, Error> {
        Guard::acquire(&self.cell, Wait::Never)
    }

    /// Takes the lock, or gives up after `timeout` by the monotonic clock.
    ///
    /// # Errors
    /// `TimedOut` if another thread or process held it all the time, and as [`lock`](Self::lock).
    #[inline]
    pub fn lock_timeout(&self, timeout: Duration) -> Result<Guard<'_, C>, Error> {
        Guard::acquire(&self.cell, Wait::at_most(timeout))
    }

    /// The same value for reading only, in memory that is mapped so.
    ///
    /// # Errors
    /// `Io` if the segment cannot be opened or mapped once more.
    pub fn read_only(&self) -> Result<Synchronized<C, ReadOnly>, Error> {
        Ok(Synchronized::of(self.cell.read_only()?))
    }
}

impl<C: Shared + ?Sized> Synchronized<C, ReadOnly> {
    /// The value that has this name, for reading only: read permission for it is enough.
    ///
    /// # Errors
    /// As [`Synchronized::open`].
    pub fn open_read_only(name: &str) -> Result<Self, Error> {
        Ok(Self::of(Cell::open_read_only(&Place::named(name)?)?))
    }

    /// The value in a file, for reading only: read permission for it is enough.
    ///
    /// # Errors
    /// As [`Synchronized::open_file`].
    pub fn open_file_read_only(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self::of(Cell::open_read_only(&Place::File(path.as_ref().to_owned()))?))
    }
}

impl<T: SharedValue> Synchronized<T, Unlocked> {
    /// A value without a name and without a lock.
    ///
    /// # Errors
    /// As [`Synchronized::new`].
    pub fn unlocked(value: T) -> Result<Self, Error> {
        Ok(Self::of(Cell::create(&Place::Anonymous, &Terms::of(Guarding::None), &value)?))
    }

    /// A value under a new name and without a lock.
    ///
    /// # Errors
    /// As [`Synchronized::create`].
    pub fn create_unlocked(name: &str, value: T) -> Result<Self, Error> {
        Ok(Self::of(Cell::create(&Place::named(name)?, &Terms::of(Guarding::None), &value)?))
    }
}

impl<C: Shared + ?Sized> Synchronized<C, Unlocked> {
    /// The value without a lock that has this name.
    ///
    /// # Errors
    /// As [`Synchronized::open`]; `InvalidSegment` if the value has a lock.
    pub fn open_unlocked(name: &str) -> Result<Self, Error> {
        Ok(Self::of(Cell::open(&Place::named(name)?, &Guarding::None)?))
    }
}

impl<T: SharedValue, A: Writable> Synchronized<T, A> {
    /// Replaces the whole value but for its atomic fields. If this thread holds no guard, it is committed at once.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    #[inline]
    pub fn store(&self, value: T) -> Result<(), Error> {
        A::set(&self.cell, 0, &value)
    }

    /// The same as [`store`](Self::store), under the name that goes with [`get`](Self::get).
    ///
    /// # Errors
    /// As [`update`](Self::update).
    #[inline]
    pub fn set(&self, value: T) -> Result<(), Error> {
        self.store(value)
    }

    /// Lets the closure change the value under the lock. If this thread holds no guard, the change is committed at
    /// once; if the closure panics, nothing was changed.
    ///
    /// Changes of `#[shared(atomic)]` fields are not written back: those have operations of their own.
    ///
    /// # Errors
    /// - `Borrowed` inside of another `update` of the same value by this thread.
    /// - `Unwound` under a guard, after a panic has passed through an inner one.
    /// - `InvalidBits` if another process wrote something that is not a `T`. Nothing was changed.
    /// - `Corrupted` if another process overwrote the lock meanwhile. The change was committed.
    /// - As [`lock`](Self::lock).
    #[inline]
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        A::update_whole(&self.cell, change)
    }
}

impl<T: SharedValue, A: Access> Synchronized<T, A> {
    /// The value: what this thread has written if it holds the lock, or else what is committed. Takes no lock.
    ///
    /// The fields belong to one version, but for the atomic fields, each of which is as it was at some moment during
    /// the call.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote something that is not a `T`.
    #[inline]
    pub fn load(&self) -> Result<T, Error> {
        access::whole::<T, A>(&self.cell).check()
    }

    /// The same as [`load`](Self::load), for types of which every bit pattern is valid and for processes that trust
    /// each other.
    ///
    /// # Panics
    /// If another process wrote something that is not a `T`.
    #[inline]
    #[track_caller]
    pub fn get(&self) -> T {
        access::whole::<T, A>(&self.cell).valid_in::<T>(0)
    }
}

impl<C: Shared + ?Sized, A: Access> Synchronized<C, A> {
    /// The number of commits so far.
    #[inline]
    pub fn version(&self) -> u64 {
        self.cell.version()
    }

    /// How often the lock was taken over from a thread that had died with it.
    pub fn recoveries(&self) -> u64 {
        self.cell.recoveries()
    }

    /// Who holds the lock now.
    pub fn lock_state(&self) -> LockState {
        self.cell.lock_state()
    }

    /// The name or path of the segment, `(anonymous)` if it has none.
    pub fn segment_name(&self) -> &str {
        self.cell.name()
    }
}

impl<C: Shared + ?Sized, A: Access> Synchronized<C, A> {
    /// Prints the handle under this name.
    pub(crate) fn fmt_as(&self, name: &str, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct(name)
            .field("name", &self.segment_name())
            .field("value", &PrintedHandle(self))
            .field("version", &self.version())
            .field("lock", &self.lock_state())
            .finish()
    }
}

/// Takes the name of a segment away. Whoever has it open goes on with it; the name is free for another.
///
/// # Errors
/// `NotFound`, `InvalidName`, `Io`.
///
/// ```
/// use shared_value::{Synchronized, unlink};
///
/// # let name = format!("shared-value-doc-unlink-{}", std::process::id());
/// let value = Synchronized::create(&name, 1_u32)?;
/// unlink(&name)?;
/// assert!(Synchronized::<u32>::open(&name).is_err());
/// assert_eq!(value.get(), 1);
/// # Ok::<(), shared_value::Error>(())
/// ```
pub fn unlink(name: &str) -> Result<(), Error> {
    Place::named(name)?.unlink()
}

impl<C: Shared + ?Sized, A> Clone for Synchronized<C, A> {
    fn clone(&self) -> Self {
        Self { cell: self.cell.clone(), access: PhantomData }
    }
}

/// Prints the value, the version and the state of the lock, without waiting for it. Of an array it prints the first hundred
/// elements.
impl<C: Shared + ?Sized, A: Access> fmt::Debug for Synchronized<C, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as("Synchronized", formatter)
    }
}

/// The value of a handle.
struct PrintedHandle<'a, C: Shared + ?Sized, A>(&'a Synchronized<C, A>);

impl<C: Shared + ?Sized, A: Access> fmt::Debug for PrintedHandle<'_, C, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        C::print::<A>(&self.0.cell, formatter)
    }
}
