//! `Options`: how a segment is created.

use std::path::Path;

use crate::cell::Cell;
use crate::error::Error;
use crate::format::LockKind;
use crate::layout::SharedValue;
use crate::segment::Place;
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
pub struct Options {
    mode: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The defaults: read and write for the owner alone.
    pub fn new() -> Self {
        Self { mode: 0o600 }
    }

    /// The permissions of a named segment or a file, as `chmod` takes them; the process's umask does not apply.
    ///
    /// Whoever may write can overwrite the value, hold its lock and stop others from using it; it can never make them
    /// misbehave.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// As [`Synchronized::create`].
    ///
    /// # Errors
    /// The same.
    pub fn create<T: SharedValue>(&self, name: &str, value: T) -> Result<Synchronized<T>, Error> {
        Ok(Synchronized::of(Cell::create(&Place::named(name)?, self.mode, LockKind::Native, &value)?))
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
        let place = Place::File(path.as_ref().to_owned());
        Ok(Synchronized::of(Cell::create(&place, self.mode, LockKind::Native, &value)?))
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

    /// Others may create and unlink the same place all the time; each attempt is whole.
    fn at_place<T: SharedValue>(&self, place: &Place, value: &T) -> Result<Synchronized<T>, Error> {
        loop {
            match Cell::open(place, LockKind::Native) {
                Err(Error::NotFound { .. }) => {}
                opened => return opened.map(Synchronized::of),
            }
            match Cell::create(place, self.mode, LockKind::Native, value) {
                Err(Error::AlreadyExists { .. }) => {}
                created => return created.map(Synchronized::of),
            }
        }
    }
}
