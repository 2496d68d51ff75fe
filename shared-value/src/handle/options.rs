//! `Options`: how a handle is created or opened.
#![expect(private_interfaces, reason = "the sealed traits can be neither named nor called from outside")]

use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use crate::cell::{Guarding, Terms, open_or_else};
use crate::error::Error;
use crate::hold::backoff::Backoff;
use crate::lock::interruption;
use crate::segment::{Location, Writers};
use crate::share::Source;

/// How an `H` is created or opened: a [`Synchronized`](crate::Synchronized), an [`Arena`](crate::Arena), an
/// [`RLock`](crate::RLock) or a [`Lock`](crate::Lock).
///
/// Each of these types has a function `options()`, which returns the defaults. An option that makes no sense for an `H` does
/// not exist: a handle that only reads has no [`create`](Self::create).
///
/// ```
/// use std::time::Duration;
/// use shared_value::{ReadOnly, Synchronized};
///
/// # let name = format!("shared-value-doc-options-{}", std::process::id());
/// // Read and write for the group too.
/// let value = Synchronized::options().mode(0o660).create(&name, 7_u64)?;
///
/// let reader: Synchronized<u64, ReadOnly> =
///     Synchronized::options().read_only().wait(Duration::from_secs(1)).open(&name)?;
/// assert_eq!(reader.get(), 7);
/// # shared_value::unlink(&name)?;
/// # Ok::<(), shared_value::Error>(())
/// ```
#[must_use = "options do nothing until something is created or opened with them"]
pub struct Options<H> {
    terms: Terms,
    /// How long to wait until there is something to open.
    wait: Duration,
    handle: PhantomData<fn() -> H>,
}

/// What can be opened: a [`Synchronized`](crate::Synchronized), an [`Arena`](crate::Arena), an [`RLock`](crate::RLock) or a
/// [`Lock`](crate::Lock).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handle",
    note = "handles are `Synchronized<..>`, `SharedArray<..>`, `DynValue`, `Arena`, `RLock` and `Lock`"
)]
pub trait Handle: sealed::Handle {}

impl<H: sealed::Handle> Handle for H {}

/// A handle that can be created: one that can write.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be created, only opened",
    note = "create it without `read_only()`, and call `read_only()` on the handle"
)]
pub trait Create: Handle + sealed::Create {}

impl<H: sealed::Create> Create for H {}

pub(crate) mod sealed {
    use super::{Error, Location, Source, Terms};

    pub trait Handle: Sized {
        /// Returns the default terms of this handle.
        fn terms() -> Terms {
            Terms::default()
        }

        fn open_from(source: &Source<'_>, terms: &Terms) -> Result<Self, Error>;
    }

    pub trait Create: Handle {
        /// The source that it is created from.
        type Initial<'a>;

        fn create_at(location: &Location<'_>, initial: &Self::Initial<'_>, terms: &Terms) -> Result<Self, Error>;
    }
}

impl<H: Handle> Options<H> {
    /// Waits up to `timeout` until there is something to open, instead of failing with `NotFound`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use shared_value::{Synchronized, unlink};
    ///
    /// # let name = format!("shared-value-doc-wait-{}", std::process::id());
    /// let later = name.clone();
    /// let creator = std::thread::spawn(move || Synchronized::create(&later, 7_u64));
    /// let value = Synchronized::<u64>::options().wait(Duration::from_secs(10)).open(&name)?;
    /// assert_eq!(value.get(), 7);
    /// # creator.join().unwrap()?;
    /// unlink(&name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn wait(mut self, timeout: Duration) -> Self {
        self.wait = timeout;
        self
    }

    /// Opens the `H` that the source refers to.
    ///
    /// # Errors
    /// The errors of [`Synchronized::open`](crate::Synchronized::open).
    pub fn open<'a>(&self, source: impl Into<Source<'a>>) -> Result<H, Error> {
        let source = source.into();
        let (start, mut backoff) = (Instant::now(), Backoff::until_created());
        loop {
            let opened = H::open_from(&source, &self.terms);
            let remaining = self.wait.saturating_sub(start.elapsed());
            if remaining.is_zero() || !matches!(opened, Err(Error::NotFound { .. })) {
                return opened;
            }
            if interruption::take() {
                return Err(Error::Interrupted { awaited: format!("`{source}` to be created") });
            }
            backoff.sleep_at_most(remaining);
        }
    }
}

impl<H: Create> Options<H> {
    /// Sets the permissions of a new name or file, as [`std::os::unix::fs::OpenOptionsExt::mode`] takes them. The umask of
    /// the process is subtracted: with the usual 022, write permission for the group needs a `chmod` of the file afterwards,
    /// or another umask. The default is 0600.
    ///
    /// Processes that may write can overwrite the value, hold its lock and stop others from using it. They can never
    /// cause undefined behaviour in others, except with `LockKind::Pthread`.
    pub fn mode(mut self, mode: u32) -> Self {
        self.terms.mode = mode;
        self
    }

    /// Unlinks the name or file when this process drops its last handle. Handles of other processes stay good, and forked
    /// children unlink nothing. A path is found again after the process has changed its directory.
    ///
    /// If the name cannot be unlinked, it stays, because a drop cannot return an error: to learn of that, call the handle's
    /// `unlink` before it is dropped. A process that is killed leaves the name behind too: see [`names`](crate::names).
    ///
    /// ```
    /// use shared_value::Synchronized;
    ///
    /// # let name = format!("shared-value-doc-unlink-on-drop-{}", std::process::id());
    /// let value = Synchronized::options().unlink_on_drop(true).create(&name, 7_u64)?;
    /// assert!(Synchronized::<u64>::open(&name).is_ok());
    /// drop(value);
    /// assert!(Synchronized::<u64>::open(&name).is_err());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn unlink_on_drop(mut self, unlink: bool) -> Self {
        self.terms.unlink_on_drop = unlink;
        self
    }

    /// Fixes the writers of a value without a name: only this process and its forked children ever get write access. A
    /// descriptor is good for reading only, and cannot be opened again for writing through `/proc`: the kernel refuses
    /// (`F_SEAL_FUTURE_WRITE`, Linux 5.1). For values with a name, use their [mode](Self::mode) instead.
    ///
    /// This protects the value from processes that it is handed to. It does not keep out a process of the same user that may
    /// trace this one: such a process may also open the memory before it is sealed.
    ///
    /// ```
    /// use shared_value::{Error, Synchronized};
    ///
    /// let price = Synchronized::options().no_new_writers().new(7_u64)?;
    /// price.set(8)?;
    /// assert_eq!(price.read_only()?.get(), 8);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn no_new_writers(mut self) -> Self {
        self.terms.writers = Writers::Fixed;
        self
    }

    /// Creates an `H` without a name.
    ///
    /// # Errors
    /// The errors of [`Synchronized::new`](crate::Synchronized::new).
    #[expect(clippy::new_ret_no_self, reason = "it makes a new `H`")]
    pub fn new<'a>(&self, initial: impl Into<H::Initial<'a>>) -> Result<H, Error> {
        H::create_at(&Location::ANONYMOUS, &initial.into(), &self.terms)
    }

    /// Creates an `H` under a new name, or in a new file.
    ///
    /// # Errors
    /// The errors of [`Synchronized::create`](crate::Synchronized::create).
    pub fn create<'a>(
        &self,
        location: impl Into<Location<'a>>,
        initial: impl Into<H::Initial<'a>>,
    ) -> Result<H, Error> {
        H::create_at(&location.into(), &initial.into(), &self.terms)
    }

    /// Opens an `H`, or creates it if it does not exist. If many processes call this at once, one of them creates it. If
    /// others remove it and create it again each time in between, this tries again, without a limit.
    ///
    /// # Errors
    /// The errors of [`Synchronized::open`](crate::Synchronized::open) and
    /// [`Synchronized::create`](crate::Synchronized::create).
    pub fn open_or_create<'a>(
        &self,
        location: impl Into<Location<'a>>,
        initial: impl Into<H::Initial<'a>>,
    ) -> Result<H, Error> {
        let (location, initial) = (location.into(), initial.into());
        let source = Source::from(location.clone());
        open_or_else(|| H::open_from(&source, &self.terms), || H::create_at(&location, &initial, &self.terms))
    }
}

impl<H> Options<H> {
    /// Sets the lock that guards the value.
    pub(crate) fn guarded(mut self, guarding: Guarding) -> Self {
        self.terms.guarding = guarding;
        self
    }

    /// Returns the lock that guards the value.
    pub(crate) fn guarding(&self) -> &Guarding {
        &self.terms.guarding
    }

    /// Returns how a value is created.
    pub(crate) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Turns these into the options of another kind of handle.
    pub(crate) fn into_handle<I>(self) -> Options<I> {
        Options { terms: self.terms, wait: self.wait, handle: PhantomData }
    }
}

impl<H: Handle> Default for Options<H> {
    fn default() -> Self {
        Self { terms: H::terms(), wait: Duration::ZERO, handle: PhantomData }
    }
}

impl<H> Clone for Options<H> {
    fn clone(&self) -> Self {
        Self { terms: self.terms.clone(), wait: self.wait, handle: PhantomData }
    }
}

impl<H> fmt::Debug for Options<H> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Options").field("terms", &self.terms).field("wait", &self.wait).finish()
    }
}
