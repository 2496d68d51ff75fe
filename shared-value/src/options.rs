//! `Options`: how a segment is created.

use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::cell::{Cell, Guarding};
use crate::error::Error;
use crate::layout::SharedValue;
use crate::lock::LockKind;
use crate::lock_object::{LockObject, LockRule};
use crate::segment::{Place, Writers};
use crate::synchronized::Synchronized;

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
#[derive(Clone, Debug)]
#[must_use = "options do nothing until something is created or opened with them"]
pub struct Options {
    mode: u32,
    guarding: Guarding,
    writers: Writers,
    unlink_on_drop: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The defaults: read and write for the owner alone.
    pub fn new() -> Self {
        Self { mode: 0o600, guarding: Guarding::Own(LockKind::Native), writers: Writers::Any, unlink_on_drop: false }
    }

    /// How lock objects are made and opened.
    pub(crate) fn of_lock_objects() -> Self {
        Self { guarding: Guarding::Itself, ..Self::new() }
    }

    /// The permissions of a named segment or a file, as [`std::os::unix::fs::OpenOptionsExt::mode`] takes
    /// them: what the umask of the process forbids is not given. With the usual umask of 022, a group that is to write needs a
    /// `chmod` of the file afterwards, or another umask.
    ///
    /// Whoever may write can overwrite the value, hold its lock and stop others from using it; it can never make them
    /// misbehave.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
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
        self.guarding = Guarding::Own(kind);
        self
    }

    /// The lock that guards the value, together with others; see [`LockObject`].
    ///
    /// The value's header records which lock that is, so whoever opens the value gives the same one.
    pub fn lock<R: LockRule>(mut self, lock: &LockObject<R>) -> Self {
        self.guarding = Guarding::Object(lock.guard_others());
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
        self.unlink_on_drop = unlink;
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
        self.writers = Writers::Fixed;
        self
    }

    /// As [`Synchronized::new`].
    ///
    /// # Errors
    /// The same.
    pub fn share<T: SharedValue>(&self, value: T) -> Result<Synchronized<T>, Error> {
        self.create_at(&Place::Anonymous, &value)
    }

    /// As [`Synchronized::open`].
    ///
    /// # Errors
    /// The same; `InvalidSegment` if the value is guarded by another lock.
    pub fn open<T: SharedValue>(&self, name: &str) -> Result<Synchronized<T>, Error> {
        Ok(Synchronized::of(Cell::open(&Place::named(name)?, &self.guarding)?))
    }

    /// As [`Synchronized::open_file`].
    ///
    /// # Errors
    /// The same; `InvalidSegment` if the value is guarded by another lock.
    pub fn open_file<T: SharedValue>(&self, path: impl AsRef<Path>) -> Result<Synchronized<T>, Error> {
        Ok(Synchronized::of(Cell::open(&Place::File(path.as_ref().to_owned()), &self.guarding)?))
    }

    /// As [`Synchronized::inherited`].
    ///
    /// # Errors
    /// The same; `InvalidSegment` if the value is guarded by another lock.
    pub fn inherited<T: SharedValue>(&self, name: &str) -> Result<Synchronized<T>, Error> {
        Synchronized::inherit(name, &self.guarding)
    }

    /// As [`Synchronized::from_token`].
    ///
    /// # Errors
    /// The same; `InvalidSegment` if the value is guarded by another lock.
    pub fn from_token<T: SharedValue>(&self, token: &str) -> Result<Synchronized<T>, Error> {
        Synchronized::attach_by(token, &self.guarding)
    }

    /// As [`Synchronized::receive_from`].
    ///
    /// # Errors
    /// The same; `InvalidSegment` if the value is guarded by another lock.
    pub fn receive_from<T: SharedValue>(&self, socket: &UnixStream) -> Result<Synchronized<T>, Error> {
        Synchronized::receive(socket, &self.guarding)
    }

    /// As [`Synchronized::create`].
    ///
    /// # Errors
    /// The same.
    pub fn create<T: SharedValue>(&self, name: &str, value: T) -> Result<Synchronized<T>, Error> {
        self.create_at(&Place::named(name)?, &value)
    }

    /// As [`Synchronized::open_or_create`].
    ///
    /// # Errors
    /// The same.
    pub fn open_or_create<T: SharedValue>(&self, name: &str, value: T) -> Result<Synchronized<T>, Error> {
        self.at_place(&Place::named(name)?, &value)
    }

    /// As [`Synchronized::create_file`].
    ///
    /// # Errors
    /// The same.
    pub fn create_file<T: SharedValue>(&self, path: impl AsRef<Path>, value: T) -> Result<Synchronized<T>, Error> {
        self.create_at(&Place::File(path.as_ref().to_owned()), &value)
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
        self.at_place(&Place::File(path.as_ref().to_owned()), &value)
    }

    fn create_at<T: SharedValue>(&self, place: &Place, value: &T) -> Result<Synchronized<T>, Error> {
        let cell = Cell::create(place, self.mode, self.writers, &self.guarding, value)?;
        if self.unlink_on_drop {
            cell.segment().unlink_on_drop();
        }
        Ok(Synchronized::of(cell))
    }

    /// Others may create and unlink the same place all the time; each attempt is whole.
    fn at_place<T: SharedValue>(&self, place: &Place, value: &T) -> Result<Synchronized<T>, Error> {
        loop {
            match Cell::open(place, &self.guarding) {
                Err(Error::NotFound { .. }) => {}
                opened => return opened.map(Synchronized::of),
            }
            match self.create_at(place, value) {
                Err(Error::AlreadyExists { .. }) => {}
                created => return created,
            }
        }
    }
}
