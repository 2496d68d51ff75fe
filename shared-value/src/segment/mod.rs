//! Segments: shared memory that holds values, created whole, opened only if valid, mapped once in a process.

mod identity;
mod location;
mod mapping;
mod names;
mod registry;

use std::fs::File;
use std::ops::Deref;
use std::process;
use std::sync::{Arc, OnceLock};

use crate::error::Error;
use crate::format::Plan;
use crate::lock;
use crate::sys;
use crate::sys::entrance::Entrance;

pub(crate) use identity::Identity;
pub(crate) use location::TOKEN_PREFIX;
pub use location::{Location, unlink};
pub(crate) use mapping::Mapping;
pub use names::{NamedValue, names};
pub(crate) use registry::set_up;

/// Who can write to a segment without a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writers {
    /// Whoever gets a descriptor for writing.
    Any,
    /// The process that made it and the children that it forks.
    Fixed,
}

/// A segment in use. Its mapping lives longer if a leaked guard keeps a lock in it.
#[derive(Debug)]
pub(crate) struct Segment {
    mapping: Arc<Mapping>,
    /// The process in which the name goes with this.
    unlinker: OnceLock<u32>,
}

impl Segment {
    /// Makes a segment, lets `initialize` fill its cells, and only then gives it its name.
    pub(crate) fn create(
        location: &Location<'_>,
        mode: u32,
        writers: Writers,
        plan: &Plan,
        initialize: impl FnOnce(&Mapping) -> Result<(), Error>,
    ) -> Result<Arc<Self>, Error> {
        use std::os::unix::fs::FileExt;

        let failed = |source| Error::io(format!("create `{location}`"), source);
        let file = location.new_file(mode)?;
        file.set_len(plan.length).map_err(failed)?;
        sys::file::allocate(&file, 0..plan.allocated)
            .map_err(|error| Error::io(format!("reserve {} bytes for `{location}`", plan.allocated), error))?;
        if cfg!(shared_value_fault = "publish_first") {
            location.publish(&file)?;
        }
        file.write_all_at(&plan.prefix, 0).map_err(failed)?;
        let in_use = if location.is_anonymous() {
            None
        } else {
            // No other process knows the file yet, so this neither waits nor finds anything to adopt.
            Some(Entrance::wait(&file).map_err(failed)?)
        };
        let mapping = Mapping::new(file, location.to_static())?;
        if location.is_anonymous() {
            if writers == Writers::Fixed {
                sys::file::seal_writers(mapping.file()).map_err(failed)?;
            }
            sys::file::seal_length(mapping.file()).map_err(failed)?;
        }
        initialize(&mapping)?;
        if let Some(entrance) = in_use {
            entrance.enter().map_err(failed)?;
        }
        registry::add(mapping, |mapping| {
            if cfg!(shared_value_fault = "publish_first") { Ok(()) } else { location.publish(mapping.file()) }
        })
    }

    /// Opens a segment that exists, if `check` finds it to be the right one. If no process has it open, `adopt` runs before
    /// anybody uses it, and is told whether any reads it.
    pub(crate) fn open<F>(
        location: &Location<'_>,
        check: impl FnOnce(&Mapping) -> Result<F, Error>,
        adopt: impl FnOnce(&Mapping, F, bool) -> Result<(), Error>,
    ) -> Result<Arc<Self>, Error> {
        let file = location.open_file()?;
        let failed = |source| Error::io(format!("open `{location}`"), source);
        let identity = Identity::of(&file).map_err(failed)?;
        if let Some(segment) = registry::get(identity) {
            return Ok(segment);
        }
        let mapping = Mapping::new(file, location.to_static())?;
        let found = check(&mapping)?;
        let entrance = Entrance::wait(mapping.file()).map_err(failed)?;
        if entrance.is_first() {
            adopt(&mapping, found, entrance.is_read())?;
        }
        entrance.enter().map_err(failed)?;
        Ok(registry::get_or_add(mapping))
    }
}

impl Segment {
    /// Opens a segment that exists, to read it.
    ///
    /// Such mappings are not registered: there may be several, because a thread that holds a lock reads what it has
    /// written through the mapping that it took the lock in, not through these.
    pub(crate) fn open_read_only(location: &Location<'_>) -> Result<Arc<Self>, Error> {
        Self::of_file_read_only(location.open_file_read_only()?, location.to_static())
    }

    /// The segment of a file that another process has handed over, or that is reached by way of its descriptor.
    ///
    /// Unlike in `open`, nothing is adopted. A descriptor that was handed over is the sender's own opening of the file, to
    /// whose mark as in use this process thereby has a part; and memory without a name is never left over.
    pub(crate) fn of_file(file: File, location: Location<'static>) -> Result<Arc<Self>, Error> {
        let identity = Identity::of(&file).map_err(|error| Error::io(format!("inspect `{location}`"), error))?;
        if let Some(segment) = registry::get(identity) {
            return Ok(segment);
        }
        Ok(registry::get_or_add(Mapping::new(file, location)?))
    }

    /// The same, to read it.
    pub(crate) fn of_file_read_only(file: File, location: Location<'static>) -> Result<Arc<Self>, Error> {
        sys::entrance::read(&file).map_err(|error| Error::io(format!("open `{location}`"), error))?;
        Ok(Arc::new(Self::of(Arc::new(Mapping::read_only(file, location)?))))
    }

    fn of(mapping: Arc<Mapping>) -> Self {
        Self { mapping, unlinker: OnceLock::new() }
    }

    /// Takes the name away when the last handle of this process goes, unless it leads to another segment then. Forked
    /// children do not.
    pub(crate) fn unlink_on_drop(&self) {
        self.unlinker.get_or_init(process::id);
    }

    /// Maps the segment once more, to read it.
    pub(crate) fn read_only(&self) -> Result<Arc<Self>, Error> {
        let file = sys::file::reopen_read_only(self.mapping.file())
            .map_err(|error| Error::io(format!("reopen `{}` for reading", self.name()), error))?;
        Self::of_file_read_only(file, self.location().clone())
    }
}

impl Deref for Segment {
    type Target = Mapping;

    fn deref(&self) -> &Mapping {
        &self.mapping
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if self.unlinker.get() == Some(&process::id()) && self.location().leads_to(self.mapping.identity()) {
            // There is nobody to tell; and whoever has taken the name away already has done no harm.
            let _ = self.location().unlink();
        }
        // A guard was leaked: its lock is linked into the robust list of its thread, which the kernel and other locks
        // follow. Unmapping it would strand every lock that was taken before it.
        if lock::is_any_held_within(&self.mapping.addresses()) {
            registry::keep(Arc::clone(&self.mapping));
        }
        registry::remove(self.mapping.identity());
    }
}
