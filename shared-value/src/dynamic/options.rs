//! Values whose type the program does not know, opened with options.

use std::path::Path;

use crate::cell::Guarding;
use crate::dynamic::DynValue;
use crate::error::Error;
use crate::handle::options::Options;
use crate::segment::Place;

impl Options {
    /// As [`DynValue::open`].
    ///
    /// # Errors
    /// The same.
    ///
    /// ```
    /// use shared_value::{DynValue, Lock, Options};
    ///
    /// # let name = format!("shared-value-doc-open-dyn-{}", std::process::id());
    /// let lock = Lock::new()?;
    /// let shared = Options::new().lock(&lock).create(&name, 7_u64)?;
    /// assert!(DynValue::open(&name).is_err(), "it does not know the lock");
    /// Options::new().lock(&lock).open_dyn(&name)?.set("", 8_u64)?;
    /// assert_eq!(DynValue::open_read_only(&name)?.to_string(), "8");
    /// # shared_value::unlink(&name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn open_dyn(&self, name: &str) -> Result<DynValue, Error> {
        DynValue::open_guarded(&Place::named(name)?, &self.dyn_guarding())
    }

    /// As [`DynValue::open_file`].
    ///
    /// # Errors
    /// The same.
    pub fn open_dyn_file(&self, path: impl AsRef<Path>) -> Result<DynValue, Error> {
        DynValue::open_guarded(&Place::File(path.as_ref().to_owned()), &self.dyn_guarding())
    }

    fn dyn_guarding(&self) -> Guarding {
        match &self.terms.guarding {
            Guarding::Own(kind) => Guarding::OwnOrNone(*kind),
            other => other.clone(),
        }
    }
}
