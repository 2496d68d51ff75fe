//! `Options`: how a segment is created.

use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::cell::{Cell, Guarding, Terms};
use crate::error::Error;
use crate::handle::lock_object::{LockObject, LockRule};
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::layout::SharedValue;
use crate::lock::LockKind;
use crate::segment::{Place, Writers};

/// How a segment is created, for what [`Synchronized::create`] and its kin do not say.
///
/// ```
/// use shared_value::{Options, Synchronized};
///
/// # let name = format!("shared-value-doc-options-{}", std::process::id());
/// // Read and write for the group too.
/// let value = Options::new().mode(0o660).create(&name, 7_u64)?;
/// # shared_value::unlink(&name)?;
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing until something is created or opened with them"]
pub struct Options {
    pub(crate) terms: Terms,
}

impl Options {
    /// The defaults: read and write for the owner alone.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The permissions of a named segment or a file, as [`std::os::unix::fs::OpenOptionsExt::mode`] takes
    /// them: what the umask of the process forbids is not given. With the usual umask of 022, a group that is to write needs a
    /// `chmod` of the file afterwards, or another umask.
    ///
    /// Whoever may write can overwrite the value, hold its lock and stop others from using it; it can never make them
    /// misbehave.
    pub fn mode(mut self, mode: u32) -> Self {
        self.terms.mode = mode;
        self
    }

    /// What the lock of a new value is, and which locks to accept when a value is opened: with `Pthread` that is either kind,
    /// since who trusts the processes that may write can use the native lock too.
    ///
    /// ```
    /// use shared_value::{LockKind, Options};
    ///
    /// // C programs can take the lock of this one too.
    /// let value = Options::new().lock_kind(LockKind::Pthread).share(7_u64)?;
    /// value.update(|value| *value += 1)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn lock_kind(mut self, kind: LockKind) -> Self {
        self.terms.guarding = Guarding::Own(kind);
        self
    }

    /// The lock that guards the value, together with others; see [`LockObject`].
    ///
    /// The value's header records which lock that is, so whoever opens the value gives the same one.
    pub fn lock<R: LockRule>(mut self, lock: &LockObject<R>) -> Self {
        self.terms.guarding = Guarding::Object(lock.guard_others());
        self
    }

    /// Takes the name of what is created away when this process drops its last handle of it. Handles that others have go
    /// on, and forked children take nothing away. A process that is killed does not get to it: see
    /// [`names`](crate::names).
    ///
    /// ```
    /// use shared_value::{Options, Synchronized};
    ///
    /// # let name = format!("shared-value-doc-unlink-on-drop-{}", std::process::id());
    /// let value = Options::new().unlink_on_drop(true).create(&name, 7_u64)?;
    /// assert!(Synchronized::<u64>::open(&name).is_ok());
    /// drop(value);
    /// assert!(Synchronized::<u64>::open(&name).is_err());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn unlink_on_drop(mut self, unlink: bool) -> Self {
        self.terms.unlink_on_drop = unlink;
        self
    }

    /// Of a value without a name, nobody gets write access but this process and the children that it forks. A descriptor
    /// is good for reading only, and cannot be opened again for writing by way of `/proc`, as a process of the same user
    /// otherwise may: the kernel refuses (`F_SEAL_FUTURE_WRITE`). Values with a name are as their [mode](Self::mode) says.
    ///
    /// This protects the value from those that are given it. It does not keep out a process of the same user that watches
    /// this one all the time, and may trace it: such a one can also be faster than the seal.
    ///
    /// ```
    /// use shared_value::{Error, Options, Synchronized};
    ///
    /// let price = Options::new().no_new_writers().share(7_u64)?;
    /// assert!(Synchronized::<u64>::from_token(&price.token()?).is_ok(), "it is this process itself");
    /// price.set(8)?;
    /// assert_eq!(price.read_only()?.get(), 8);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn no_new_writers(mut self) -> Self {
        self.terms.writers = Writers::Fixed;
        self
    }

    /// As [`Synchronized::new`].
    ///
    /// # Errors
    /// The same.
    pub fn share<T: SharedValue>(&self, value: T) -> Result<Synchronized<T>, Error> {
        Ok(Synchronized::of(Cell::create(&Place::Anonymous, &self.terms, &value)?))
    }

    /// As [`Synchronized::open`].
    ///
    /// # Errors
    /// The same; `InvalidSegment` if the value is guarded by another lock.
    pub fn open<C: Shared + ?Sized>(&self, name: &str) -> Result<Synchronized<C>, Error> {
        Ok(Synchronized::of(Cell::open(&Place::named(name)?, &self.terms.guarding)?))
    }

    /// As [`Synchronized::open_file`].
    ///
    /// # Errors
    /// The same; `InvalidSegment` if the value is guarded by another lock.
    pub fn open_file<C: Shared + ?Sized>(&self, path: impl AsRef<Path>) -> Result<Synchronized<C>, Error> {
        Ok(Synchronized::of(Cell::open(&Place::File(path.as_ref().to_owned()), &self.terms.guarding)?))
    }

    /// As [`Synchronized::inherited`].
    ///
    /// # Errors
    /// The same; `InvalidSegment` if the value is guarded by another lock.
    pub fn inherited<C: Shared + ?Sized>(&self, name: &str) -> Result<Synchronized<C>, Error> {
        Synchronized::inherit(name, &self.terms.guarding)
    }

    /// As [`Synchronized::from_token`].
    ///
    /// # Errors
    /// The same; `InvalidSegment` if the value is guarded by another lock.
    pub fn from_token<C: Shared + ?Sized>(&self, token: &str) -> Result<Synchronized<C>, Error> {
        Synchronized::attach_by(token, &self.terms.guarding)
    }

    /// As [`Synchronized::receive_from`].
    ///
    /// # Errors
    /// The same; `InvalidSegment` if the value is guarded by another lock.
    pub fn receive_from<C: Shared + ?Sized>(&self, socket: &UnixStream) -> Result<Synchronized<C>, Error> {
        Synchronized::receive(socket, &self.terms.guarding)
    }

    /// As [`Synchronized::create`].
    ///
    /// # Errors
    /// The same.
    pub fn create<T: SharedValue>(&self, name: &str, value: T) -> Result<Synchronized<T>, Error> {
        Ok(Synchronized::of(Cell::create(&Place::named(name)?, &self.terms, &value)?))
    }

    /// As [`Synchronized::open_or_create`].
    ///
    /// # Errors
    /// The same.
    pub fn open_or_create<T: SharedValue>(&self, name: &str, value: T) -> Result<Synchronized<T>, Error> {
        Ok(Synchronized::of(Cell::open_or_create(&Place::named(name)?, &self.terms, &value)?))
    }

    /// As [`Synchronized::create_file`].
    ///
    /// # Errors
    /// The same.
    pub fn create_file<T: SharedValue>(&self, path: impl AsRef<Path>, value: T) -> Result<Synchronized<T>, Error> {
        Ok(Synchronized::of(Cell::create(&Place::File(path.as_ref().to_owned()), &self.terms, &value)?))
    }

    /// As [`Synchronized::open_or_create_file`].
    ///
    /// # Errors
    /// The same.
    pub fn open_or_create_file<T: SharedValue>(
        &self,
        path: impl AsRef<Path>,
        value: T,
    ) -> Result<Synchronized<T>, Error> {
        Ok(Synchronized::of(Cell::open_or_create(&Place::File(path.as_ref().to_owned()), &self.terms, &value)?))
    }
}
