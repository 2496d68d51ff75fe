//! `DynGuard`: proof that this thread holds the lock of a value whose type the program does not know.

use std::fmt;

use crate::copy::{Alone, store_from};
use crate::dynamic::DynData;
use crate::dynamic::decode::decode;
use crate::dynamic::encode::encode;
use crate::dynamic::path::Place;
use crate::dynamic::value::{Draft, DynValue, range};
use crate::error::Error;
use crate::format::contents::Untyped;
use crate::hold::scoped::ScopedHold;
use crate::lock::Wait;

/// Proof that this thread holds the lock of a [`DynValue`], which says when what it writes is committed: by
/// [`commit`](Self::commit), or when the thread's last guard is dropped. In all else it is as [`Guard`](crate::Guard).
///
/// ```
/// use shared_value::{DynValue, Synchronized};
///
/// # let name = format!("shared-value-doc-dyn-guard-{}", std::process::id());
/// let shared = Synchronized::create(&name, [1_u32, 2])?;
/// let value = DynValue::open(&name)?;
/// let mut guard = value.lock()?;
/// guard.set("[0]", 10_u32)?;
/// guard.set("[1]", 20_u32)?;
/// assert_eq!(guard.get("")?.to_string(), "[10, 20]");
/// # std::thread::scope(|scope| {
/// # scope.spawn(|| {
/// assert_eq!(shared.get(), [1, 2]); // In another thread or process.
/// # });
/// # });
/// guard.commit();
/// guard.set("[0]", 0_u32)?;
/// guard.rollback();
/// drop(guard);
/// assert_eq!(shared.get(), [10, 20]);
/// # shared_value::unlink(&name)?;
/// # Ok::<(), shared_value::Error>(())
/// ```
#[must_use = "if unused the lock is released at once"]
#[clippy::has_significant_drop]
pub struct DynGuard<'a> {
    value: &'a DynValue,
    hold: ScopedHold<'a, Untyped>,
}

impl<'a> DynGuard<'a> {
    pub(super) fn acquire(value: &'a DynValue, wait: Wait) -> Result<Self, Error> {
        Ok(Self { value, hold: ScopedHold::acquire(&value.cell, wait)? })
    }

    /// One part, with this thread's own writes; the empty path is the whole value.
    ///
    /// # Errors
    /// As [`DynValue::get`].
    pub fn get(&self, path: &str) -> Result<DynData, Error> {
        let place = self.value.place(path)?;
        if self.hold.is_held() {
            return self.value.data_held(&self.hold, place, path);
        }
        decode(place, path, &self.value.copy(place, |copy| self.value.read(copy)))
    }

    /// The whole value, with this thread's own writes.
    ///
    /// # Errors
    /// As [`DynValue::get`].
    pub fn load(&self) -> Result<DynData, Error> {
        self.get("")
    }

    /// Changes one part, or with the empty path the whole value but for its atomic fields, to be committed. An atomic field is
    /// changed at once, and not rolled back.
    ///
    /// # Errors
    /// `WrongData` if the part cannot hold that, and as [`DynValue::get`]. Nothing was changed.
    ///
    /// # Panics
    /// Inside of an `update` of the same value by this thread, after a panic has passed through an inner guard, and in a child
    /// that was forked after the lock was taken.
    #[track_caller]
    pub fn set(&mut self, path: &str, data: impl Into<DynData>) -> Result<(), Error> {
        let place = self.value.place(path)?;
        if place.atomic.is_some() {
            return self.value.set(path, data);
        }
        let bytes = encode(place, path, &data.into())?;
        self.hold.writable().unwrap().change(&range(place), |slot| store_from::<Alone>(slot, place.offset, &bytes));
        Ok(())
    }

    /// Lets the closure change one part, or with the empty path the whole value but for its atomic fields. If the closure
    /// panics, nothing was changed.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    ///
    /// # Panics
    /// As [`set`](Self::set).
    #[track_caller]
    pub fn update<R>(&mut self, path: &str, mut change: impl FnMut(&mut DynData) -> R) -> Result<R, Error> {
        let place: Place<'_> = self.value.place(path)?;
        if place.atomic.is_some() {
            return self.value.update(path, change);
        }
        let hold = self.hold.writable().unwrap();
        let draft = Draft { place, path, data: self.value.data_held(hold, place, path)?, bytes: Vec::new() };
        let changed = |draft: &mut Draft<'_>| draft.change(&mut change);
        hold.update(&range(place), draft, changed, |slot, draft| draft.store(slot))
    }

    /// Publishes what this thread has written since the last commit, and keeps the lock.
    ///
    /// In a child that was forked after the lock was taken it does nothing.
    ///
    /// # Panics
    /// As [`Guard::commit`](crate::Guard::commit).
    #[track_caller]
    pub fn commit(&mut self) {
        self.hold.commit();
    }

    /// Forgets what this thread has written since the last commit, through whatever guard or handle, and keeps the lock.
    ///
    /// # Panics
    /// As [`Guard::rollback`](crate::Guard::rollback).
    #[track_caller]
    pub fn rollback(&mut self) {
        self.hold.rollback();
    }

    /// Whether the lock was taken over from a thread that died with it. What that thread had not committed is gone.
    pub fn recovered(&self) -> bool {
        self.hold.recovered()
    }
}

/// Prints the value as [`DynData`] does, with this thread's own writes, or why it cannot be read.
impl fmt::Display for DynGuard<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.load() {
            Ok(data) => data.fmt(formatter),
            Err(error) => write!(formatter, "<{error}>"),
        }
    }
}

impl fmt::Debug for DynGuard<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DynGuard")
            .field("value", &format_args!("{self}"))
            .field("recovered", &self.recovered())
            .finish()
    }
}
