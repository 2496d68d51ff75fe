//! Replacing a value by one of another type, and asking whether that has happened.

use crate::cell::{Cell, Guarding, Terms};
use crate::error::Error;
use crate::handle::access::{Access, ReadWrite};
use crate::handle::initial::Initial;
use crate::handle::options::Options;
use crate::handle::options::sealed::Create as _;
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::hold::scoped::ScopedHold;
use crate::layout::SharedValue;
use crate::lock::{LockKind, Refusal, Wait};
use crate::segment::Location;
use crate::share::{self, Opening, Source};
use crate::sys;
use crate::vector::{Text, Vector};

/// A copy of the value that is [replaced](Synchronized::replace): a `T`, or a `Vec` of the elements of an array or of a vector, or the
/// `String` of a text, or a [`DynData`](crate::DynData), which can be any of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a copy of a shared value",
    note = "the argument of the closure is a `T`, a `Vec<E>` for an array or a vector, a `String` for a `SharedString`, or a `DynData`"
)]
pub trait Former: sealed::Former {}

impl<O: sealed::Former> Former for O {}

pub(crate) mod sealed {
    use super::Shared;

    pub trait Former: Sized {
        type Contents: Shared<Owned = Self> + ?Sized;

        /// The contents of an old value that is not of the first type.
        type Others: Shared<Owned = Self> + ?Sized;
    }
}

impl<T: SharedValue> sealed::Former for T {
    type Contents = T;
    type Others = T;
}

impl<E: SharedValue> sealed::Former for Vec<E> {
    type Contents = [E];
    type Others = Vector<E>;
}

impl sealed::Former for String {
    type Contents = Vector<Text>;
    type Others = Vector<Text>;
}

/// Replacing.
impl<C: Shared + ?Sized> Synchronized<C> {
    /// Replaces the value at a name or in a file by a new one, which may have another type or length. The closure makes the new
    /// value from the old one, while the lock of the old value keeps all others from changing it.
    ///
    /// The name leads to the old value, and then, from one moment to the next, to the new one. The old value is *retired*: the
    /// handles that processes still have go on reading it, but their changes, locks and waits fail with
    /// [`Error::Retired`]. They then open the name again; [`is_retired`](Self::is_retired) asks before.
    ///
    /// If this process is killed in the middle, the name leads to the old value, which goes on, or to the new one. If the closure
    /// panics, nothing changes.
    ///
    /// The new value has the owner, the group and the permissions of the old one. Its [version](Self::version) begins at 0.
    /// Atomic fields are read as they are when the closure is called: what others add to them later is lost with the old value.
    ///
    /// Only a value with a native lock of its own can be replaced: a lock object and a pthread mutex go on for other users, and
    /// cannot tell them that the value is retired. The lock of the new value may be of any kind. An arena cannot be replaced.
    ///
    /// # Errors
    /// - `NotFound` if the name leads to no value, `LayoutMismatch` if the old value is of another type than the closure takes,
    ///   perhaps because another process has replaced it: see [`open_or_replace`](Self::open_or_replace).
    /// - `InvalidSegment` if another kind of lock guards the old value, or if it is an arena.
    /// - `Lock` with [`AlreadyHeld`](crate::LockError::AlreadyHeld) if this thread holds the lock.
    /// - `Retired` if the name was removed or given to another file during the call, by other means than this library.
    /// - `Io` if this process may not change the name, or may not give the new file to the owner of the old one.
    /// - The errors of [`create`](Self::create), except `AlreadyExists`.
    ///
    /// After an error, the old value is as it was.
    ///
    /// ```
    /// use shared_value::{Error, SharedValue, Synchronized, unlink};
    ///
    /// # mod before {
    /// # use shared_value::SharedValue;
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// pub struct Account { pub cents: u32 }
    /// # }
    /// # use before::Account as OldAccount;
    ///
    /// #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
    /// #[repr(C)]
    /// struct Account { millicents: u64, limit: u64 }
    ///
    /// # let name = &format!("shared-value-doc-replace-{}", std::process::id());
    /// let old = Synchronized::create(name, OldAccount { cents: 250 })?;
    ///
    /// let account = SynchronizedAccount::replace(name, |old: OldAccount| Account {
    ///     millicents: u64::from(old.cents) * 1_000,
    ///     limit: 0,
    /// })?;
    /// account.set_limit(50_000)?;
    /// assert_eq!(SynchronizedAccount::open(name)?.get(), Account { millicents: 250_000, limit: 50_000 });
    ///
    /// assert!(old.is_retired() && old.get().cents == 250);
    /// assert!(matches!(old.update(|old| old.cents = 0), Err(Error::Retired)));
    /// # unlink(name)?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn replace<'a, O: Former, I: Into<Initial<'static, C>>>(
        location: impl Into<Location<'a>>,
        make: impl FnOnce(O) -> I,
    ) -> Result<Self, Error> {
        Self::options().replace(location, make)
    }

    /// Replaces a value as [`replace`](Self::replace) does. If the closure fails, nothing changes.
    ///
    /// ```
    /// use shared_value::{Error, SharedArray, Synchronized};
    ///
    /// # let name = &format!("shared-value-doc-try-replace-{}", std::process::id());
    /// let samples = SharedArray::create(name, &[1_u32, 2, 3])?;
    /// let longer = SharedArray::try_replace(name, |old: Vec<u32>| {
    ///     // Twice as long.
    ///     let room = vec![0; old.len()];
    ///     if old.contains(&0) { Err(Error::Conflict) } else { Ok([old, room].concat()) }
    /// })?;
    /// assert_eq!(longer.to_vec()?, [1, 2, 3, 0, 0, 0]);
    /// assert!(samples.is_retired());
    /// # shared_value::unlink(name)?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// The error of the closure, and the errors of [`replace`](Self::replace).
    pub fn try_replace<'a, O: Former, I: Into<Initial<'static, C>>, E: From<Error>>(
        location: impl Into<Location<'a>>,
        make: impl FnOnce(O) -> Result<I, E>,
    ) -> Result<Self, E> {
        Self::options().try_replace(location, make)
    }

    /// Opens the value at a name or in a file. If it has the old type, [replaces](Self::replace) it first. If many processes call
    /// this at once, one of them replaces it.
    ///
    /// ```
    /// use shared_value::Synchronized;
    ///
    /// # let name = &format!("shared-value-doc-open-or-replace-{}", std::process::id());
    /// # let _old = Synchronized::create(name, 7_u32)?;
    /// // Each program of the new version begins with this.
    /// let open = || Synchronized::<u64>::open_or_replace(name, |old: u32| u64::from(old));
    /// open()?.set(1 << 40)?;
    /// assert_eq!(open()?.get(), 1 << 40);
    /// # shared_value::unlink(name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`open`](Self::open) and [`replace`](Self::replace).
    pub fn open_or_replace<'a, O: Former, I: Into<Initial<'static, C>>>(
        location: impl Into<Location<'a>>,
        make: impl FnOnce(O) -> I,
    ) -> Result<Self, Error> {
        Self::options().open_or_replace(location, make)
    }
}

/// Replacing.
impl<C: Shared + ?Sized> Options<Synchronized<C>> {
    /// Replaces a value, as [`Synchronized::replace`] does. The new value keeps the permissions of the old one, whatever these
    /// options say.
    ///
    /// # Errors
    /// The errors of [`Synchronized::replace`].
    pub fn replace<'a, O: Former, I: Into<Initial<'static, C>>>(
        &self,
        location: impl Into<Location<'a>>,
        make: impl FnOnce(O) -> I,
    ) -> Result<Synchronized<C>, Error> {
        self.try_replace(location, |old| Ok(make(old)))
    }

    /// Replaces a value, as [`Synchronized::try_replace`] does.
    ///
    /// # Errors
    /// The errors of [`Synchronized::try_replace`].
    pub fn try_replace<'a, O: Former, I: Into<Initial<'static, C>>, E: From<Error>>(
        &self,
        location: impl Into<Location<'a>>,
        make: impl FnOnce(O) -> Result<I, E>,
    ) -> Result<Synchronized<C>, E> {
        let location = location.into();
        let mut make = make;
        loop {
            let attempt = match open_former::<O::Contents>(&location) {
                Ok(old) => attempt(&old, &location, self.terms(), make)?,
                Err(mismatch @ Error::LayoutMismatch { .. }) => match open_former::<O::Others>(&location) {
                    Ok(old) => attempt(&old, &location, self.terms(), make)?,
                    Err(Error::LayoutMismatch { .. }) => return Err(mismatch.into()),
                    Err(error) => return Err(error.into()),
                },
                Err(error) => return Err(error.into()),
            };
            match attempt {
                Attempt::Replaced(new) => return Ok(new),
                Attempt::TooLate(back) => make = back,
            }
        }
    }

    /// Opens a value, or replaces it, as [`Synchronized::open_or_replace`] does.
    ///
    /// # Errors
    /// The errors of [`Synchronized::open_or_replace`].
    pub fn open_or_replace<'a, O: Former, I: Into<Initial<'static, C>>>(
        &self,
        location: impl Into<Location<'a>>,
        make: impl FnOnce(O) -> I,
    ) -> Result<Synchronized<C>, Error> {
        let location = location.into();
        match self.open(location.clone()) {
            Err(Error::LayoutMismatch { .. }) => {}
            opened => return opened,
        }
        match self.replace(location.clone(), make) {
            // Another process was faster, or the value is of a third type.
            Err(Error::LayoutMismatch { .. }) => self.open(location),
            replaced => replaced,
        }
    }
}

/// The result of an attempt to replace a value.
enum Attempt<N, F> {
    Replaced(N),
    /// Another process was faster. The closure was not called.
    TooLate(F),
}

/// Replaces this value, unless another process was faster.
fn attempt<C, O, I, E, F>(
    old: &Cell<O>,
    location: &Location<'_>,
    terms: &Terms,
    make: F,
) -> Result<Attempt<Synchronized<C>, F>, E>
where
    C: Shared + ?Sized,
    O: Shared + ?Sized,
    I: Into<Initial<'static, C>>,
    E: From<Error>,
    F: FnOnce(O::Owned) -> Result<I, E>,
{
    match ScopedHold::acquire(old, Wait::Forever) {
        Ok(hold) => {
            let new = succeed(&hold, location, terms, make)?;
            hold.retire();
            Ok(Attempt::Replaced(new))
        }
        Err(Refusal::Retired) if old.segment().has_left(location) => Ok(Attempt::TooLate(make)),
        Err(refusal) => Err(Error::from(refusal).into()),
    }
}

/// Opens the value that is to be replaced, with a native lock of its own that may be recursive or not.
fn open_former<O: Shared + ?Sized>(location: &Location<'_>) -> Result<Cell<O>, Error> {
    let open = |guarding| share::open(&Source::from(location.clone()), &Opening::ReadWrite(guarding));
    match open(Guarding::Own(LockKind::Native)) {
        Err(refused @ Error::InvalidSegment { field: "lock", .. }) => {
            open(Guarding::OwnOnce(LockKind::Native)).map_err(|_| refused)
        }
        opened => opened,
    }
}

/// Makes the new value, and gives it the name of the old one. The caller then retires the old one.
fn succeed<C: Shared + ?Sized, O: Shared + ?Sized, I: Into<Initial<'static, C>>, E: From<Error>>(
    hold: &ScopedHold<'_, O>,
    location: &Location<'_>,
    terms: &Terms,
    make: impl FnOnce(O::Owned) -> Result<I, E>,
) -> Result<Synchronized<C>, E> {
    let only = || if hold.is_only() { Ok(()) } else { Err(Error::from(Refusal::AlreadyHeld)) };
    only()?;
    let old = hold.cell();
    let value = O::load::<ReadWrite>(old)?;
    let initial = hold.barring(|| make(value))?.into();
    // The closure may have leaked a guard.
    only()?;
    let new = Synchronized::create_at(location, &initial, &Terms { is_named: false, ..terms.clone() })?;
    let (from, to) = (old.segment(), new.cell.segment());
    let permitted = from.file().and_then(|from| sys::file::copy_permissions(from, to.file()?));
    permitted.map_err(|error| Error::io(format!("give the owner of `{location}` the new file"), error))?;
    from.give_name_to(to)?;
    Ok(new)
}

/// Whether the name still leads here.
impl<C: Shared + ?Sized, A: Access> Synchronized<C, A> {
    /// Returns whether another value has [replaced](Self::replace) this one, or its name was [unlinked](crate::unlink) by a
    /// process that may write it. A replaced value can only be read; an unlinked one goes on.
    ///
    /// It costs a load. Names that were changed by other means are found by [`is_current`](Self::is_current).
    ///
    /// ```
    /// use shared_value::{Synchronized, unlink};
    ///
    /// # let name = format!("shared-value-doc-is-retired-{}", std::process::id());
    /// let value = Synchronized::create(&name, 1_u32)?;
    /// assert!(!value.is_retired());
    /// unlink(&name)?;
    /// assert!(value.is_retired());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn is_retired(&self) -> bool {
        self.cell.segment().is_retired()
    }

    /// Returns whether the name or file leads to this value now. It costs a system call, and notices what `rm` and `mv` have done.
    ///
    /// A value without a name is current. Of a value that was handed over, the name is not known: it is current if it has any
    /// name, or never had one.
    ///
    /// ```
    /// use shared_value::Synchronized;
    ///
    /// # let name = format!("shared-value-doc-is-current-{}", std::process::id());
    /// let value = Synchronized::create(&name, 1_u32)?;
    /// assert!(value.is_current());
    /// std::fs::remove_file(format!("/dev/shm/{name}")).expect("it exists");
    /// assert!(!value.is_current());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn is_current(&self) -> bool {
        self.cell.segment().is_current()
    }
}
