//! Segments: shared memory that holds values. A segment is complete before it has a name, is opened only if it is valid, and
//! is mapped once in a process.

mod claims;
mod header;
mod holes;
mod lanes;
mod location;
mod mapping;
mod memory;
mod names;
mod registry;
mod report;
mod succession;

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use crate::error::Error;
use crate::format::Plan;
use crate::lock;
use crate::protocol::fault;
use crate::sys;
use crate::sys::entrance::{self, Entrance};
use crate::sys::fork::Process;

pub(crate) use crate::sys::descriptor::Identity;
pub(crate) use claims::{Layout, Search};
pub(crate) use header::id_of;
pub(crate) use lanes::LaneArea;
pub use location::Location;
pub(crate) use location::TOKEN_PREFIX;
pub(crate) use mapping::Mapping;
pub use names::{NamedValue, names};
pub use report::{LockOwner, Report, ReportedLock, inspect};
pub use succession::unlink;

/// Installs the hooks that run around `fork`.
pub(crate) fn set_up() {
    registry::set_up();
    claims::set_up();
}

/// The processes that can write to a segment without a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writers {
    /// All processes that get a descriptor for writing.
    Any,
    /// The process that created it, and the children that it forks.
    Fixed,
}

/// A segment in use. If a leaked guard holds a lock in it, the mapping outlives this struct.
#[derive(Debug)]
pub(crate) struct Segment {
    mapping: Arc<Mapping>,
    /// The process that unlinks the name when this is dropped.
    unlinker: OnceLock<Process>,
}

impl Segment {
    /// Creates a segment, lets `initialize` fill its cells, and only then gives it its name. If `is_named` is false, the caller
    /// does that, by `give_name_to`.
    pub(crate) fn create(
        location: &Location<'_>,
        mode: u32,
        writers: Writers,
        plan: &Plan,
        is_named: bool,
        initialize: impl FnOnce(&Mapping) -> Result<(), Error>,
    ) -> Result<Arc<Self>, Error> {
        use std::os::unix::fs::FileExt;

        let failed = |source| Error::io(format!("create `{location}`"), source);
        let file = location.new_file(mode)?;
        sys::memory::set_length(&file, plan.length).map_err(failed)?;
        sys::memory::reserve(&file, 0, plan.allocated, plan.allocated)
            .map_err(|error| Error::io(format!("reserve {} bytes for `{location}`", plan.allocated), error))?;
        if is_named && fault::is_chosen("publish_first") {
            location.publish(&file)?;
        }
        file.write_all_at(&plan.prefix, 0).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let mapping = Mapping::new(file, &metadata, location.to_static())?;
        if location.is_anonymous() {
            if writers == Writers::Fixed {
                mapping.file().and_then(sys::file::seal_writers).map_err(failed)?;
            }
            mapping.file().and_then(sys::file::seal_length).map_err(failed)?;
        }
        initialize(&mapping)?;
        if !location.is_anonymous() {
            mapping.file().and_then(entrance::begin).map_err(failed)?;
        }
        // Registered before it has a name: otherwise another thread of this process could open the segment by its name and
        // map it again.
        let segment = registry::get_or_add(Arc::new(mapping));
        if is_named && !fault::is_chosen("publish_first") {
            segment.file().map_err(failed).and_then(|file| location.publish(file))?;
        }
        Ok(segment)
    }

    /// Opens an existing segment, if `check` accepts it. If no process has the segment open for writing, `adopt` runs before
    /// any process uses it. Its last argument says whether a process has the segment open for reading.
    pub(crate) fn open<F>(
        file: File,
        location: &Location<'_>,
        check: impl FnOnce(&Mapping) -> Result<F, Error>,
        adopt: impl FnOnce(&Mapping, F, bool) -> Result<(), Error>,
    ) -> Result<Arc<Self>, Error> {
        let failed = |source| Error::io(format!("open `{location}`"), source);
        let metadata = file.metadata().map_err(failed)?;
        if let Some(segment) = registry::get(Identity::of_metadata(&metadata)) {
            return Ok(segment);
        }
        let mapping = Mapping::new(file, &metadata, location.to_static())?;
        let found = check(&mapping)?;
        let entrance = mapping.file().and_then(Entrance::wait).map_err(failed)?;
        if entrance.is_first() {
            adopt(&mapping, found, entrance.is_read())?;
        }
        entrance.enter().map_err(failed)?;
        Ok(registry::get_or_add(Arc::new(mapping)))
    }
}

impl Segment {
    /// Opens an existing segment for reading.
    ///
    /// Such a mapping is not registered. There may be several, because no lock is ever taken in them: a thread that holds a
    /// lock reads its own writes through the mapping in which it took the lock.
    pub(crate) fn of_file_read_only(file: File, location: Location<'static>) -> Result<Arc<Self>, Error> {
        let metadata = file.metadata().map_err(|error| Error::io(format!("open `{location}`"), error))?;
        let mapping = Mapping::read_only(file, &metadata, location)?;
        // Not before the header was checked: a file that is not a segment is not touched.
        let failed = |error| Error::io(format!("open `{}`", mapping.name()), error);
        mapping.file().and_then(entrance::read).map_err(failed)?;
        Ok(Arc::new(Self::of(Arc::new(mapping))))
    }

    /// Returns the segment of a file that another process has handed over, or that was opened by the path of a descriptor.
    ///
    /// Unlike `open`, this adopts nothing. A descriptor that was handed over refers to the sender's open file description,
    /// so the sender's mark that the file is in use now lasts for this process too. And memory without a name does not
    /// outlive its processes.
    pub(crate) fn of_file(file: File, location: Location<'static>) -> Result<Arc<Self>, Error> {
        let metadata = file.metadata().map_err(|error| Error::io(format!("inspect `{location}`"), error))?;
        if let Some(segment) = registry::get(Identity::of_metadata(&metadata)) {
            return Ok(segment);
        }
        Ok(registry::get_or_add(Arc::new(Mapping::new(file, &metadata, location)?)))
    }

    /// Returns the segment of this identity as this process has mapped it for reading and writing.
    pub(crate) fn mapped_for_writing(identity: Identity) -> Option<Arc<Self>> {
        registry::get(identity)
    }

    /// Begins to count the handles of this arena's values, unless that was begun.
    pub(crate) fn begin_claims(&self, layout: Layout) {
        if self.layout_of_claims().is_none() {
            claims::begin(&self.mapping, layout);
        }
    }

    fn of(mapping: Arc<Mapping>) -> Self {
        Self { mapping, unlinker: OnceLock::new() }
    }

    /// Makes this process unlink the name when its last handle is dropped, unless the name then belongs to another segment.
    /// Forked children do not unlink it.
    pub(crate) fn unlink_on_drop(&self) {
        self.unlinker.get_or_init(Process::current);
    }

    /// Unlinks the name or the file, unless it belongs to another segment by now.
    ///
    /// # Errors
    /// `NotFound` if nothing has the name, `Io` if the name belongs to another segment or the system refuses, `Unsupported`
    /// if there is no name.
    pub(crate) fn unlink(&self) -> Result<(), Error> {
        succession::unlink_only(self.location(), self.mapping.identity())
    }

    /// Maps the segment again, for reading.
    pub(crate) fn read_only(&self) -> Result<Arc<Self>, Error> {
        let file = self.open_again(true).map_err(|error| {
            let cause = match error.kind() {
                io::ErrorKind::PermissionDenied => " (has this process changed its user since it was opened?)",
                _ => "",
            };
            Error::io(format!("reopen `{}` for reading{cause}", self.name()), error)
        })?;
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
        if self.unlinker.get().is_some_and(|unlinker| *unlinker == Process::current()) {
            // A destructor cannot return an error. A program that wants to know calls the handle's `unlink` before.
            let _ = self.unlink();
        }
        // If so, a guard was leaked: its lock is linked into the robust list of its thread, which the kernel walks.
        // Unmapping that lock would strand every lock that the thread took before it.
        if lock::is_any_held_within(&self.mapping.addresses()) {
            registry::keep(Arc::clone(&self.mapping));
        }
        registry::remove(&self.mapping);
    }
}
