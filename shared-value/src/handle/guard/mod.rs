//! `Guard`: proof that this thread holds the lock of a value.

pub(crate) mod detached;
pub(crate) mod owned;

use std::fmt;

use crate::cell::Cell;
use crate::copy::{self, Unchecked, is_boxed};
use crate::error::Error;
use crate::handle::access::ReadWrite;
use crate::handle::shared::Shared;
use crate::hold::Hold;
use crate::hold::read;
use crate::hold::scoped::ScopedHold;
use crate::layout::SharedValue;
use crate::lock::Wait;

/// Proof that this thread holds the lock of a value.
///
/// This thread sees its own writes at once, through any handle. Others see them when they are committed: by
/// [`commit`](Self::commit), or when the thread's last guard is dropped. A drop because of a panic rolls back instead, and
/// so does the death of the process. If a panic passes through an inner guard and is caught before it reaches the outermost
/// one, nothing can be written or committed until [`rollback`](Self::rollback), or until the outermost guard is dropped,
/// which rolls back too.
///
/// **In a destructor that runs because of a panic**, only `commit` commits: the drop of a guard that was taken there rolls
/// back, because a second panic could be the reason for the drop.
///
/// In a child that was forked while the guard was alive, the guard holds nothing: dropping it there does nothing, and
/// writing through it returns `Lock` with [`NotHeld`](crate::LockError::NotHeld).
///
/// ```
/// use shared_value::Synchronized;
///
/// let counter = Synchronized::new(1_i64)?;
/// let guard = counter.lock()?;
/// guard.set(guard.get() + 1)?;
/// guard.commit();
/// guard.set(0)?;
/// guard.rollback();
/// drop(guard);
/// assert_eq!(counter.get(), 2);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[must_use = "if unused the lock is released at once"]
#[clippy::has_significant_drop]
pub struct Guard<'a, C: Shared + ?Sized> {
    pub(crate) hold: ScopedHold<'a, C>,
}

/// Proof that this thread holds the lock of a [`SharedArray`](crate::SharedArray). Everything that is written through it is
/// one commit.
///
/// ```
/// use shared_value::{ArrayGuard, Error, SharedArray};
///
/// /// Moves the largest element to the front.
/// fn raise(guard: &ArrayGuard<'_, u32>) -> Result<(), Error> {
///     for index in (1..guard.len()).rev() {
///         if guard.at(index) > guard.at(index - 1) {
///             let (one, other) = (guard.at(index), guard.at(index - 1));
///             guard.set_at(index, other)?;
///             guard.set_at(index - 1, one)?;
///         }
///     }
///     Ok(())
/// }
///
/// let array = SharedArray::new(&[1_u32, 7, 3])?;
/// raise(&array.lock()?)?;
/// assert_eq!(array.to_vec()?, [7, 1, 3]);
/// assert_eq!(array.version(), 1);
/// # Ok::<(), Error>(())
/// ```
pub type ArrayGuard<'a, E> = Guard<'a, [E]>;

impl<T: SharedValue> Guard<'_, T> {
    /// Returns the value, with this thread's own writes.
    ///
    /// # Panics
    /// If another process wrote bytes that are not a `T`.
    #[inline]
    #[track_caller]
    pub fn get(&self) -> T {
        self.whole().valid_in::<T>(0)
    }

    /// Returns the value, with this thread's own writes.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote bytes that are not a `T`.
    #[inline]
    pub fn load(&self) -> Result<T, Error> {
        self.whole().check()
    }

    /// Returns the value on the heap, for types that are too large for the stack.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote bytes that are not a `T`.
    pub fn load_boxed(&self) -> Result<Box<T>, Error> {
        read::boxed(self.hold.cell(), |bytes, copy| self.hold.read_pieces(bytes, copy))
    }

    /// Replaces the whole value except its atomic fields. The next commit publishes the change.
    ///
    /// # Errors
    /// - `Borrowed` inside of an `update` of the value by this thread.
    /// - `Unwound` after a panic has passed through an inner guard.
    /// - `Lock(NotHeld)` in a child that was forked after the lock was taken.
    #[inline]
    pub fn set(&self, value: T) -> Result<(), Error> {
        self.copy_from(&value)
    }

    /// Replaces the whole value except its atomic fields by a copy of `value`, which may be too large for the stack.
    ///
    /// # Errors
    /// The errors of [`set`](Self::set).
    #[inline]
    pub fn copy_from(&self, value: &T) -> Result<(), Error> {
        self.writable()?.write(0, value);
        Ok(())
    }

    /// Lets the closure change the value. If the closure panics, nothing changes.
    ///
    /// # Errors
    /// The errors of [`set`](Self::set), and `InvalidBits` if another process wrote bytes that are not a `T`.
    #[inline]
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        self.try_update(|value| Ok(change(value)))
    }

    /// Lets the closure change the value. If the closure fails or panics, nothing changes.
    ///
    /// # Errors
    /// The error of the closure, and the errors of [`update`](Self::update).
    #[inline]
    pub fn try_update<R, E: From<Error>>(&self, change: impl FnOnce(&mut T) -> Result<R, E>) -> Result<R, E> {
        let (hold, bytes) = (self.writable()?, copy::range::<T>(0));
        if const { is_boxed::<T>() } {
            return hold.update(&bytes, |_| self.load_boxed(), |v| change(v), |slot, v| copy::store::<T>(slot, 0, v));
        }
        hold.update(&bytes, |hold| read::whole_held(hold).check(), change, |slot, value| copy::store(slot, 0, value))
    }

    #[inline]
    fn whole(&self) -> Unchecked<T> {
        read::with_atomics(self.hold.cell(), self.field(0))
    }
}

impl<'a, C: Shared + ?Sized> Guard<'a, C> {
    #[inline(always)]
    pub(crate) fn acquire(cell: &'a Cell<C>, wait: Wait) -> Result<Self, Error> {
        Ok(Self { hold: ScopedHold::acquire(cell, wait)? })
    }

    /// Publishes what this thread has written since the last commit, and keeps the lock.
    ///
    /// The commit is one store: a process that dies before that store has changed nothing, and one that dies after it has
    /// changed everything.
    ///
    /// In a child that was forked after the lock was taken it does nothing.
    ///
    /// # Panics
    /// In a transaction; inside of an `update` of the same value by this thread, or of another value under the same lock;
    /// and after a panic has passed through an inner guard.
    #[inline]
    #[track_caller]
    pub fn commit(&self) {
        self.hold.commit();
    }

    /// Discards what this thread has written since the last commit, through any guard or handle, and keeps the lock. Atomic
    /// fields are not rolled back. In a child that was forked after the lock was taken it does nothing.
    ///
    /// # Panics
    /// In a transaction; inside of an `update` of the same value by this thread, or of another value under the same lock.
    #[track_caller]
    pub fn rollback(&self) {
        self.hold.rollback();
    }

    /// Returns whether the lock was taken over from a thread that died while it held the lock. The uncommitted writes of
    /// that thread are lost; the value is the last committed one.
    pub fn recovered(&self) -> bool {
        self.hold.recovered()
    }

    /// Copies a part of the value with this thread's own writes, or in a forked child of the committed value.
    #[inline(always)]
    pub(crate) fn field<F: SharedValue>(&self, offset: usize) -> Unchecked<F> {
        self.hold.field(offset)
    }

    /// Returns the hold, if this thread may write through this guard now.
    #[inline(always)]
    pub(crate) fn writable(&self) -> Result<&Hold<'a, C>, Error> {
        self.hold.writable()
    }
}

impl<C: Shared + ?Sized> fmt::Debug for Guard<'_, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = PrintedGuard(self);
        formatter.debug_struct("Guard").field("value", &value).field("recovered", &self.recovered()).finish()
    }
}

/// The value of a guard.
struct PrintedGuard<'g, 'a, C: Shared + ?Sized>(&'g Guard<'a, C>);

impl<C: Shared + ?Sized> fmt::Debug for PrintedGuard<'_, '_, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hold = &self.0.hold;
        if hold.is_held() { C::print_held(hold, formatter) } else { C::print::<ReadWrite>(hold.cell(), formatter) }
    }
}
