//! `Guard`: proof that this thread holds the lock of a value.

use std::fmt;

use crate::cell::Cell;
use crate::copy::{self, Unchecked};
use crate::error::Error;
use crate::handle::access::ReadWrite;
use crate::handle::shared::Shared;
use crate::hold::Hold;
use crate::hold::read;
use crate::hold::scoped::ScopedHold;
use crate::layout::SharedValue;
use crate::lock::Wait;
use crate::protocol::atomics::AtomicU64;

/// Proof that this thread holds the lock of a value.
///
/// What is written through it, or through any handle by the same thread, is seen by this thread at once and by others
/// when it is committed: by [`commit`](Self::commit), or when the thread's last guard is dropped. Dropping it because
/// of a panic rolls back instead, and so does the death of the process. A panic that passes through an inner guard and
/// is caught before the outermost one bars the value: nothing can be written or committed until
/// [`rollback`](Self::rollback), or the drop of the outermost guard, which rolls back too.
///
/// In a child that was forked while the guard was alive, the guard holds nothing: dropping it there does nothing, and
/// writing through it panics.
///
/// ```
/// use shared_value::Synchronized;
///
/// let counter = Synchronized::new(1_i64)?;
/// let mut guard = counter.lock()?;
/// guard.store(guard.load()? + 1);
/// guard.commit();
/// guard.store(0);
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

impl<T: SharedValue> Guard<'_, T> {
    /// The value, with this thread's own writes.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote something that is not a `T`.
    #[inline]
    pub fn load(&self) -> Result<T, Error> {
        self.whole().check()
    }

    /// Writes the whole value but for its atomic fields, to be committed.
    ///
    /// # Panics
    /// Inside of an `update` of the same value by this thread, after a panic has passed through an inner guard, and in
    /// a child that was forked after the lock was taken.
    #[inline]
    #[track_caller]
    pub fn store(&mut self, value: T) {
        self.writable().write(0, &value);
    }

    /// Lets the closure change the value. If the closure panics, nothing was changed.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote something that is not a `T`.
    ///
    /// # Panics
    /// As [`store`](Self::store).
    #[inline]
    #[track_caller]
    pub fn update<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        let hold = self.writable();
        let value = read::whole_held(hold).check()?;
        Ok(hold.update(0, value, change)?)
    }

    /// Lets the closure change the value, unless it fails: then nothing was changed.
    ///
    /// # Errors
    /// What the closure returns, and as [`update`](Self::update).
    ///
    /// # Panics
    /// As [`store`](Self::store).
    #[inline]
    #[track_caller]
    pub fn try_update<R, E: From<Error>>(&mut self, change: impl FnOnce(&mut T) -> Result<R, E>) -> Result<R, E> {
        let hold = self.writable();
        let value = read::whole_held(hold).check()?;
        hold.try_update(0, value, change)
    }

    /// The value, in memory of its own: for types that are too large for the stack.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote something that is not a `T`.
    pub fn load_boxed(&self) -> Result<Box<T>, Error> {
        read::boxed(self.hold.cell(), |copy| self.read_with(copy))
    }

    /// Writes the whole value but for its atomic fields, as [`store`](Self::store), from where it is: for types that are
    /// too large for the stack.
    ///
    /// # Panics
    /// As [`store`](Self::store).
    #[track_caller]
    pub fn store_from(&mut self, value: &T) {
        self.writable().write(0, value);
    }

    /// As [`update`](Self::update), for types that are too large for the stack.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote something that is not a `T`.
    ///
    /// # Panics
    /// As [`store`](Self::store).
    #[track_caller]
    pub fn update_boxed<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        let value = self.load_boxed()?;
        let change = |value: &mut Box<T>| Ok(change(value));
        self.writable()
            .try_update_copy(&copy::range::<T>(0), value, change, |slot, value| copy::store(slot, 0, &**value))
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
    /// It is one store: a process that dies before it has written nothing, one that dies after it everything.
    ///
    /// In a child that was forked after the lock was taken it does nothing.
    ///
    /// # Panics
    /// In a transaction; inside of an `update` of the same value by this thread, or of another value under the same lock; and
    /// after a panic has passed through an inner guard.
    #[inline]
    #[track_caller]
    pub fn commit(&mut self) {
        self.hold.commit();
    }

    /// Forgets what this thread has written since the last commit, through whatever guard or handle, and keeps the
    /// lock. Atomic fields are not rolled back. In a child that was forked after the lock was taken it does nothing.
    ///
    /// # Panics
    /// In a transaction; inside of an `update` of the same value by this thread, or of another value under the same lock.
    #[track_caller]
    pub fn rollback(&mut self) {
        self.hold.rollback();
    }

    /// Whether the lock was taken over from a thread that died with it. What that thread had not committed is gone;
    /// the value is the last committed one.
    pub fn recovered(&self) -> bool {
        self.hold.recovered()
    }

    /// What the closure copies of the value: as this thread sees it, or as all do in a forked child.
    #[inline(always)]
    pub(crate) fn read_with<R>(&self, copy: impl FnMut(&[AtomicU64]) -> R) -> R {
        self.hold.read_with(copy)
    }

    /// A part of the value, as `read_with`.
    #[inline(always)]
    pub(crate) fn field<F: SharedValue>(&self, offset: usize) -> Unchecked<F> {
        self.hold.field(offset)
    }

    /// The hold, if a write through this guard may happen now.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn writable(&self) -> &Hold<'a, C> {
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
