//! `Synchronized`: the handle of a value.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use crate::cell::Cell;
use crate::copy::{self, is_boxed};
use crate::error::Error;
use crate::handle::access::{self, Access, ReadOnly, ReadWrite, Unlocked, Writable};
use crate::handle::guard::Guard;
use crate::handle::initial::Initial;
use crate::handle::options::Options;
use crate::handle::shared::Shared;
use crate::hold::patience::{Patience, Unlimited};
use crate::hold::read;
use crate::layout::SharedValue;
use crate::lock::{LockState, Wait};
use crate::segment::Location;
use crate::share::Source;

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

/// An array in shared memory, whose length is known at run time: Python's `Array`.
///
/// It is an alias of `Synchronized<[E], A>`, and has all of its functions. The functions for elements are those of every
/// array; see [`ElementAccessors`](crate::ElementAccessors).
///
/// | | |
/// |---|---|
/// | create | `SharedArray::new(Filled(0.0, 1_000))`, `SharedArray::create("name", &[1, 2, 3])` |
/// | open | `SharedArray::<f64>::open("name")` |
/// | read | `array.at(7)`, `array.read_slice(10..20, &mut buffer)`, `array.to_vec()`, `array.iter()` |
/// | change | `array.set_at(7, 0.5)`, `array.update_at(7, \|x\| *x *= 3.0)`, `array.write_slice(10, &[1.0, 2.0])`, `array.fill(0.0)`, `array.update_all(\|all\| all.sort())` |
/// | many changes in one commit | `let guard = array.lock()?;`, then the same functions |
/// | one element | `array.element(7)`, a [`Part`](crate::Part) |
///
/// The array is one value: a read sees the elements of one commit. A commit costs in proportion to the elements that were
/// changed since the last one, not to all of them.
///
/// ```
/// use shared_value::{Filled, SharedArray};
///
/// let array = SharedArray::new(Filled(0.5, 1_000))?;
/// array.set_at(7, 2.0)?;
/// array.write_slice(10, &[1.0, 3.0])?;
/// let guard = array.lock()?; // many changes in one commit
/// for index in 20..30 {
///     guard.update_at(index, |element| *element *= 3.0)?;
/// }
/// drop(guard);
/// assert_eq!((array.at(7), array.at(11), array.at(29)), (2.0, 3.0, 1.5));
/// # Ok::<(), shared_value::Error>(())
/// ```
pub type SharedArray<E, A = ReadWrite> = Synchronized<[E], A>;

impl<C: Shared + ?Sized, A> Synchronized<C, A> {
    pub(crate) fn of(cell: Cell<C>) -> Self {
        Self { cell, access: PhantomData }
    }
}

/// Creating and opening.
impl<C: Shared + ?Sized> Synchronized<C> {
    /// Creates a value without a name, for this process, its forked children, and processes that it is handed to.
    ///
    /// # Errors
    /// `Io` if there is no memory for it; `InvalidBits` if it is [`Zeroed`](crate::Zeroed) and zeros are not a valid value.
    pub fn new<'a>(initial: impl Into<Initial<'a, C>>) -> Result<Self, Error> {
        Self::options().new(initial)
    }

    /// Creates a value under a new name, or in a new file.
    ///
    /// The name or the file appears only when the value is complete. Its mode is 0600: processes of this user can open it;
    /// [`Options::mode`] sets another. A file survives all processes, but a crash of the machine may leave a mixture of
    /// versions in it.
    ///
    /// # Errors
    /// `AlreadyExists` if the name is taken, `InvalidName`, and the errors of [`new`](Self::new); `Io` also if the file
    /// system lacks `O_TMPFILE`.
    pub fn create<'a>(location: impl Into<Location<'a>>, initial: impl Into<Initial<'a, C>>) -> Result<Self, Error> {
        Self::options().create(location, initial)
    }

    /// Opens a value, or creates it if it does not exist. If many processes call this at once, one of them creates it. If
    /// others remove it and create it again each time in between, this tries again, without a limit.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create<'a>(
        location: impl Into<Location<'a>>,
        initial: impl Into<Initial<'a, C>>,
    ) -> Result<Self, Error> {
        Self::options().open_or_create(location, initial)
    }

    /// Opens a value by its name, file, [`Token`](crate::Token), or socket, or as [inherited](crate::Source::inherited).
    ///
    /// # Errors
    /// - `NotFound`, `NotPassed`, `StaleToken` if there is no value at the source.
    /// - `LayoutMismatch` if the value is of another type; the error names the field that differs.
    /// - `InvalidSegment` if the file is not a segment, or another kind of lock guards the value.
    /// - `InvalidName`; `Io`, also if this process may only read the value.
    pub fn open<'a>(source: impl Into<Source<'a>>) -> Result<Self, Error> {
        Self::options().open(source)
    }

    /// Opens a value for reading only: read permission is enough.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open).
    pub fn open_read_only<'a>(source: impl Into<Source<'a>>) -> Result<Synchronized<C, ReadOnly>, Error> {
        Self::options().read_only().open(source)
    }

    /// Returns options for creating and opening: mode, lock, access, waiting.
    ///
    /// ```
    /// use shared_value::Synchronized;
    ///
    /// # let name = format!("shared-value-doc-options-of-{}", std::process::id());
    /// // The group may read and write too.
    /// let value = Synchronized::options().mode(0o660).create(&name, 7_u64)?;
    /// # shared_value::unlink(&name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn options() -> Options<Self> {
        Options::default()
    }
}

/// Locking.
impl<C: Shared + ?Sized> Synchronized<C> {
    /// Takes the lock, and waits for it as long as needed. A thread that holds the lock takes it once more, unless the value
    /// was created as [`non_recursive`](Options::non_recursive).
    ///
    /// # Errors
    /// `Lock` with [`TooManyHeld`](crate::LockError::TooManyHeld), [`TooDeep`](crate::LockError::TooDeep),
    /// [`AlreadyHeld`](crate::LockError::AlreadyHeld) if the lock is not recursive, or
    /// [`Unsupported`](crate::LockError::Unsupported).
    #[inline]
    pub fn lock(&self) -> Result<Guard<'_, C>, Error> {
        Guard::acquire(&self.cell, Wait::Forever)
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// `Lock` with [`WouldBlock`](crate::LockError::WouldBlock) if another thread or process holds it, and the errors of
    /// [`lock`](Self::lock).
    #[inline]
    pub fn try_lock(&self) -> Result<Guard<'_, C>, Error> {
        Guard::acquire(&self.cell, Wait::Never)
    }

    /// Takes the lock, or gives up after `timeout` by the monotonic clock.
    ///
    /// # Errors
    /// `Lock` with [`TimedOut`](crate::LockError::TimedOut) if another thread or process held it all the time, and the
    /// errors of [`lock`](Self::lock).
    #[inline]
    pub fn lock_timeout(&self, timeout: Duration) -> Result<Guard<'_, C>, Error> {
        Guard::acquire(&self.cell, Wait::at_most(timeout))
    }

    /// Returns a number that two handles of this process share exactly if they take the same lock. It means nothing in other
    /// processes, and nothing once the last handle of the value is gone.
    ///
    /// ```
    /// use shared_value::{RLock, Synchronized};
    ///
    /// let lock = RLock::new()?;
    /// let (one, other) = (Synchronized::options().lock(&lock).new(1)?, Synchronized::options().lock(&lock).new(2.0)?);
    /// assert_eq!(one.lock_id(), other.lock_id());
    /// assert_ne!(one.lock_id(), Synchronized::new(1)?.lock_id());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    #[inline]
    pub fn lock_id(&self) -> usize {
        std::ptr::from_ref(self.cell.lock()).addr()
    }

    /// Returns a handle of the same value that only reads, in memory that is mapped read-only.
    ///
    /// # Errors
    /// `Io` if the segment cannot be opened or mapped once more.
    pub fn read_only(&self) -> Result<Synchronized<C, ReadOnly>, Error> {
        Ok(Synchronized::of(self.cell.read_only()?))
    }
}

/// Changing the whole value.
impl<T: SharedValue, A: Writable> Synchronized<T, A> {
    /// Replaces the whole value except its atomic fields. If this thread holds no guard, the change is committed at once.
    ///
    /// # Errors
    /// The errors of [`update`](Self::update).
    #[inline]
    pub fn set(&self, value: T) -> Result<(), Error> {
        A::set(&self.cell, Unlimited, 0, &value)
    }

    /// Replaces the whole value except its atomic fields by a copy of `value`, which may be too large for the stack.
    ///
    /// # Errors
    /// The errors of [`update`](Self::update).
    pub fn copy_from(&self, value: &T) -> Result<(), Error> {
        A::set(&self.cell, Unlimited, 0, value)
    }

    /// Lets the closure change the value under the lock. If this thread holds no guard, the change is committed at once; if
    /// the closure panics, nothing changes.
    ///
    /// The closure gets a copy of the value, on the heap if the value has more than 4 KiB. To change a few fields of a large
    /// value, set them under a guard. Changes of `#[shared(atomic)]` fields are not written back: these fields have
    /// operations of their own.
    ///
    /// ```
    /// use shared_value::{Synchronized, Zeroed};
    ///
    /// let heights = Synchronized::<[f32; 4_000_000]>::new(Zeroed)?;
    /// heights.update(|heights| heights[1_000_000] += 8.5)?;
    /// assert_eq!(heights.at(1_000_000), 8.5);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    ///
    /// # Errors
    /// - `Borrowed` inside of another `update` of the same value by this thread.
    /// - `Unwound` under a guard, after a panic has passed through an inner one.
    /// - `InvalidBits` if another process wrote bytes that are not a `T`. Nothing changes.
    /// - `Lock` with [`Corrupted`](crate::LockError::Corrupted) if another process overwrote the lock during the call. The
    ///   change was committed.
    /// - `Lock` with [`NotHeld`](crate::LockError::NotHeld) in a child that the closure has forked. The child has written
    ///   nothing; its parent goes on with the update.
    /// - The errors of [`lock`](Synchronized::lock).
    #[inline(always)]
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        self.update_within(Unlimited, change)
    }

    /// Lets the closure change the value under the lock, as [`update`](Self::update) does. If the closure fails, nothing
    /// changes.
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
    /// The error of the closure, and the errors of [`update`](Self::update).
    #[inline]
    pub fn try_update<R, E: From<Error>>(&self, change: impl FnOnce(&mut T) -> Result<R, E>) -> Result<R, E> {
        self.try_update_within(Unlimited, change)
    }
}

/// Changing the whole value within a time.
impl<T: SharedValue, A: Writable> Synchronized<T, A> {
    #[inline(always)]
    pub(crate) fn update_within<R>(
        &self,
        patience: impl Patience,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, Error> {
        if const { is_boxed::<T>() } {
            return self.try_update_within(patience, |value| Ok(change(value)));
        }
        A::update_whole(&self.cell, patience, change)
    }

    #[inline(always)]
    pub(crate) fn try_update_within<R, E: From<Error>>(
        &self,
        patience: impl Patience,
        change: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        if const { is_boxed::<T>() } {
            return A::update_copy(
                &self.cell,
                patience,
                &copy::range::<T>(0),
                |slot| read::boxed(&self.cell, |bytes, copy| _ = copy(slot, bytes)),
                |value| change(value),
                |slot, value| copy::store_by::<A::Merge, T>(slot, 0, value),
            );
        }
        A::update_copy(
            &self.cell,
            patience,
            &copy::range::<T>(0),
            |slot| read::with_atomics(&self.cell, copy::load(slot, 0)).check(),
            change,
            |slot, value| copy::store_by::<A::Merge, T>(slot, 0, value),
        )
    }
}

/// Reading the whole value.
impl<T: SharedValue, A: Access> Synchronized<T, A> {
    /// Returns the value: with this thread's own writes if it holds the lock, otherwise the committed value. Takes no lock.
    ///
    /// All fields belong to one version, except the atomic fields: each is as it was at some moment during the call.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote bytes that are not a `T`.
    #[inline]
    pub fn load(&self) -> Result<T, Error> {
        access::whole::<T, A>(&self.cell).check()
    }

    /// Returns the value on the heap, as [`load`](Self::load) does: for types that are too large for the stack.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote bytes that are not a `T`.
    pub fn load_boxed(&self) -> Result<Box<T>, Error> {
        read::boxed(&self.cell, |bytes, copy| A::read_pieces(&self.cell, bytes, copy))
    }

    /// Returns the value, as [`load`](Self::load) does: for types without invalid bits, and for processes that trust each
    /// other.
    ///
    /// # Panics
    /// If another process wrote bytes that are not a `T`.
    #[inline]
    #[track_caller]
    pub fn get(&self) -> T {
        access::whole::<T, A>(&self.cell).valid_in::<T>(0)
    }
}

/// Values without a lock.
impl<C: Shared + ?Sized> Synchronized<C, Unlocked> {
    /// Returns where the value lies in memory: for programs in other languages that look at it while it changes, such as views of
    /// an array. It is where [`Synchronized::set`] writes, except for atomic fields.
    ///
    /// The pointer is good as long as a handle of the value lives in this process, and for as many bytes as the value has.
    /// Other threads and processes may write there at any time. So in Rust, access it only as atomics of 8 bytes, which all of
    /// this library's accesses are: the value begins at a multiple of 8, and zeros fill its last word. Padding has to stay zero.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use shared_value::{Filled, SharedArray};
    ///
    /// let samples = SharedArray::<f64>::options().unlocked().new(Filled(0.5, 1_000))?;
    /// let first: *mut AtomicU64 = samples.as_ptr().cast();
    /// // SAFETY: `samples` lives, the array has 1,000 numbers of 8 bytes, and this is an atomic access.
    /// let last = unsafe { &*first.add(999) };
    /// last.store(2.5_f64.to_bits(), Ordering::Relaxed);
    /// assert_eq!(samples.at(999), 2.5);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn as_ptr(&self) -> *mut u8 {
        self.cell.slots().first().as_ptr().cast::<u8>().cast_mut()
    }
}

/// State.
impl<C: Shared + ?Sized, A: Access> Synchronized<C, A> {
    /// Returns the number of commits so far.
    #[inline]
    pub fn version(&self) -> u64 {
        self.cell.version()
    }

    /// Returns how often the lock was taken over from a thread that died while it held the lock.
    ///
    /// The change that the dead thread was making is lost, and the value is the last committed one. A guard tells that by
    /// [`recovered`](crate::Guard::recovered). A program that changes the value by setters and `update` compares this number
    /// with the one that it has seen before: then it also learns of owners whose lock another process has taken over.
    ///
    /// ```
    /// use shared_value::Synchronized;
    ///
    /// let jobs = Synchronized::new(3_u32)?;
    /// let mut seen = jobs.recoveries();
    /// # std::thread::scope(|scope| scope.spawn(|| std::mem::forget(jobs.lock())).join()).unwrap();
    /// // A thread dies while it holds the lock.
    /// jobs.update(|jobs| *jobs -= 1)?;
    /// let now = jobs.recoveries();
    /// if now != seen {
    ///     // Here, look for jobs that the dead owner had begun.
    ///     seen = now;
    /// }
    /// assert_eq!(seen, 1);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
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

    /// Unlinks the name or the file of this value, unless another value has taken it. Processes that have the value open
    /// keep it.
    ///
    /// With [`unlink_on_drop`](Options::unlink_on_drop), the drop of the last handle does this too, but a drop cannot report
    /// what it could not do. To unlink a value that is not open, use the function [`unlink`](crate::unlink).
    ///
    /// # Errors
    /// - `NotFound` if nothing has the name any more.
    /// - `Io` if another value has the name by now, or the system refuses: in `/dev/shm`, only the owner of a file may unlink
    ///   it.
    /// - `Unsupported` if the handle knows no name: the value was created without one or was handed over, or it lies in an
    ///   arena.
    ///
    /// ```
    /// use shared_value::{Error, Synchronized};
    ///
    /// # let name = format!("shared-value-doc-unlink-handle-{}", std::process::id());
    /// let value = Synchronized::create(&name, 7_u64)?;
    /// value.unlink()?;
    /// assert!(Synchronized::<u64>::open(&name).is_err());
    /// assert!(matches!(value.unlink(), Err(Error::NotFound { .. })));
    /// assert_eq!(value.get(), 7);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn unlink(&self) -> Result<(), Error> {
        if self.cell.number() != 0 {
            return Err(Error::Unsupported { what: "a value in an arena has no name: remove it, or unlink the arena" });
        }
        self.cell.segment().unlink()
    }
}

impl<C: Shared + ?Sized, A> Clone for Synchronized<C, A> {
    fn clone(&self) -> Self {
        Self { cell: self.cell.clone(), access: PhantomData }
    }
}

/// Prints the value, the version and the state of the lock, without waiting for it. For an array, it prints the first
/// hundred elements.
impl<C: Shared + ?Sized, A: Access> fmt::Debug for Synchronized<C, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Synchronized")
            .field("name", &self.segment_name())
            .field("value", &PrintedHandle(self))
            .field("version", &self.version())
            .field("lock", &self.lock_state())
            .finish()
    }
}

/// The value of a handle.
struct PrintedHandle<'a, C: Shared + ?Sized, A>(&'a Synchronized<C, A>);

impl<C: Shared + ?Sized, A: Access> fmt::Debug for PrintedHandle<'_, C, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        C::print::<A>(&self.0.cell, formatter)
    }
}
