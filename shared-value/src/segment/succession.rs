//! Succession: a segment takes the place of another, under the name by which both are found; and unlinking.
//!
//! The owner of the old segment's lock gives its name away in these steps:
//!
//! 1. Take the right to change the name (`sys/entrance.rs`), and check that the name leads to the old segment.
//! 2. Note *pending* in the old segment's header (`protocol/retired.rs`).
//! 3. Give the new, complete segment a name of its own beside the old name.
//! 4. Rename it: the kernel moves the old name to the new segment in one step. The old segment has no name then.
//! 5. Note *replaced*, and retire the lock.
//!
//! If the owner dies after step 2, the next owner of the lock finds *pending*, removes the name of step 3, and looks at the old
//! name. If that leads to the old segment, the next owner goes on as after any death. Otherwise it retires the lock. So an old
//! value is never changed after the name has left it. A next owner that does not know the old name leaves the name of step 3 to
//! the next replacement, or to the end of the old name.

use std::ffi::CStr;
use std::fs::{self, File};
use std::io::{self, Cursor, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use crate::error::Error;
use crate::format::{RETIRED, SegmentId};
use crate::protocol::atomics::AtomicU64;
use crate::protocol::fault;
use crate::protocol::retired::{self, Standing, standing};
use crate::segment::location::{Location, NAMED};
use crate::segment::mapping::Mapping;
use crate::segment::{Segment, registry};
use crate::sys;
use crate::sys::descriptor::Identity;
use crate::sys::entrance::Naming;

/// How the name begins that a segment has before it takes the place of another. The identity of the other follows.
pub(super) const NEXT_PREFIX: &str = ".shared-value-next-";

/// How often to begin again if the name leads to another segment each time.
const TRIES: u32 = 100;

impl Mapping {
    /// Returns whether another segment has taken the place of this one. Allocates no memory.
    pub(crate) fn is_replaced(&self) -> bool {
        match standing(self.retired()) {
            Standing::InPlace | Standing::Unlinked => false,
            Standing::Replaced => true,
            Standing::Pending { links } => self.has_lost_name(links),
        }
    }

    /// Returns the standing of the segment, without a look at the name.
    pub(crate) fn standing(&self) -> Standing {
        standing(self.retired())
    }

    /// Returns whether this library has unlinked the name, or given it to another segment.
    pub(crate) fn is_retired(&self) -> bool {
        standing(self.retired()) == Standing::Unlinked || self.is_replaced()
    }

    /// Returns whether the name leads to this segment. Without a name, and if the name is not known, returns whether the segment
    /// never had a name or has one.
    pub(crate) fn is_current(&self) -> bool {
        if self.location().name().is_some() || self.location().file().is_some() {
            return self.leads_here() == Some(true);
        }
        let file = self.file();
        file.is_ok_and(|file| sys::memory::is_nameless(file) || sys::file::links(file).is_ok_and(|links| links > 0))
    }

    /// Returns whether a location that led to this segment leads to another one, or to none.
    pub(crate) fn has_left(&self, location: &Location<'_>) -> bool {
        !location.leads_to(self.identity())
    }

    /// Returns whether the lock at an address is that of the value that the header names.
    pub(super) fn is_first_lock(&self, lock: usize) -> bool {
        self.entries().first().is_some_and(|entry| lock - self.addresses().start == entry.cell_offset)
    }

    /// Finds out, after an owner of the lock died, whether another segment has taken the place of this one, and notes that. For
    /// the next owner of the lock. Allocates no memory.
    #[cold]
    pub(crate) fn settle(&self) -> bool {
        match standing(self.retired()) {
            Standing::InPlace | Standing::Unlinked => false,
            Standing::Replaced => true,
            Standing::Pending { links } => self.settle_pending(links),
        }
    }

    fn settle_pending(&self, links: u32) -> bool {
        let is_replaced = self.has_lost_name(links) && !fault::is_chosen("keep_replaced");
        // It is there also if the name was lost by other hands, after the owner had died.
        if let Ok(path) = PathText::of(self.location()) {
            self.remove_next(&path);
        }
        let settled = if is_replaced { Standing::Replaced } else { Standing::InPlace };
        retired::settle(self.retired(), links, settled) == Standing::Replaced
    }

    /// Settles as `settle` does, while no process has the segment open. A name that leads to the segment again, because a user
    /// has put the old file back, ends its retirement.
    pub(crate) fn settle_unused(&self) {
        let now = match standing(self.retired()) {
            Standing::InPlace => return,
            Standing::Pending { links } => {
                self.settle_pending(links);
                return;
            }
            _ if self.leads_here() == Some(true) => Standing::InPlace,
            other => other,
        };
        retired::set(self.retired(), now);
    }

    /// Gives the name of this segment to a complete segment that is to live there. For the owner of the lock, which then retires
    /// it. This segment may have been opened in another way, without a name.
    ///
    /// # Errors
    /// `Retired` if the name does not lead to this segment any more, `Io` if it cannot be changed. Then it stays as it was.
    pub(crate) fn give_name_to(&self, next: &Self) -> Result<(), Error> {
        let failed = |error| Error::io(format!("replace `{}`", self.name()), error);
        let path = PathText::of(next.location()).map_err(failed)?;
        let own = PathText::of_next(&path, self.id()).map_err(failed)?;
        let file = self.file().map_err(failed)?;
        let _naming = Naming::wait(file).map_err(failed)?;
        if self.has_left(next.location()) {
            return Err(Error::Retired);
        }
        let before = standing(self.retired());
        let links = sys::file::links(file).map_err(failed)?;
        retired::set(self.retired(), Standing::Pending { links });
        let moved = next.file().and_then(|next| move_in(next, &own, &path));
        retired::set(self.retired(), if moved.is_ok() { Standing::Replaced } else { before });
        moved.map_err(failed)
    }

    /// Returns whether the location leads to this segment; `None` if there is no file, or the location is not known.
    fn leads_here(&self) -> Option<bool> {
        let path = PathText::of(self.location()).ok()?;
        sys::file::identity_at(path.as_c_str()).ok().map(|found| found == self.identity())
    }

    /// Returns whether the name has left the segment, which had `links` names before. The location tells. If there is no file,
    /// or if the segment was handed over, the number of names tells.
    fn has_lost_name(&self, links: u32) -> bool {
        let by_links = || {
            // If nothing can be asked, nothing may be written either.
            self.known_file().is_none_or(|file| sys::file::links(file).map_or(true, |now| now < links))
        };
        self.leads_here().map_or_else(by_links, |leads_here| !leads_here)
    }

    /// Removes the name of a segment that was to take the place of this one, at this path.
    fn remove_next(&self, path: &PathText) {
        if let Ok(next) = PathText::of_next(path, self.id()) {
            // Usually the owner died before it gave the name, or after it had renamed the file.
            let _ = sys::file::remove(next.as_c_str());
        }
    }

    fn retired(&self) -> &AtomicU64 {
        let words = self.words(RETIRED, 1).and_then(<[_]>::first);
        words.expect("a valid header has this word")
    }
}

/// Moves a file without a name to `path`, by way of the name `own`.
fn move_in(file: impl AsFd + Copy, own: &PathText, path: &PathText) -> io::Result<()> {
    match sys::file::publish(file, own.as_path()) {
        // A process that was killed has left it there: only the owner of the lock uses this name.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            sys::file::remove(own.as_c_str())?;
            sys::file::publish(file, own.as_path())?;
        }
        published => published?,
    }
    if fault::is_chosen("remove_and_name") {
        sys::file::remove(path.as_c_str())?;
    }
    // The error that made it fail is returned.
    sys::file::rename(own.as_c_str(), path.as_c_str()).inspect_err(|_| drop(sys::file::remove(own.as_c_str())))
}

/// A path, in memory that is not allocated.
struct PathText {
    bytes: [u8; Self::MOST],
    /// Without the NUL at the end.
    length: usize,
}

impl PathText {
    /// The longest path that the kernel takes, with the NUL (`PATH_MAX`).
    const MOST: usize = 4096;

    /// Returns the path of a location that has been made static.
    ///
    /// # Errors
    /// `NotFound` if the location has no path, `InvalidInput` if no file has so long a path.
    fn of(location: &Location<'_>) -> io::Result<Self> {
        if let Some(name) = location.name() {
            return Self::write(|text| write!(text, "{NAMED}/{name}"));
        }
        let path = location.file().ok_or(io::ErrorKind::NotFound)?;
        Self::write(|text| text.write_all(path.as_os_str().as_bytes()))
    }

    /// Returns the path of the segment that is to take the place of another one, of this path and identity.
    fn of_next(path: &Self, id: SegmentId) -> io::Result<Self> {
        let directory = path.as_path().parent().ok_or(io::ErrorKind::NotFound)?;
        Self::write(|text| {
            text.write_all(directory.as_os_str().as_bytes())?;
            write!(text, "/{NEXT_PREFIX}{id}")
        })
    }

    fn write(write: impl FnOnce(&mut Cursor<&mut [u8]>) -> io::Result<()>) -> io::Result<Self> {
        let mut bytes = [0; Self::MOST];
        // The last byte stays zero.
        let mut text = Cursor::new(&mut bytes[..Self::MOST - 1]);
        write(&mut text).map_err(|_| io::ErrorKind::InvalidInput)?;
        let length = usize::try_from(text.position()).expect("at most the length of the memory");
        Ok(Self { bytes, length })
    }

    fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).expect("the last byte is zero")
    }

    fn as_path(&self) -> &Path {
        Path::new(std::ffi::OsStr::from_bytes(&self.bytes[..self.length]))
    }
}

/// Unlinks the name or the file of a segment. Processes that have the segment open keep it, with its lock; the name can be used
/// again. If this process may write the segment, [`is_retired`](crate::Synchronized::is_retired) of their handles is true
/// from then on.
///
/// # Errors
/// `NotFound`, `InvalidName`, `Io`.
///
/// ```
/// use shared_value::{Synchronized, unlink};
///
/// # let name = format!("shared-value-doc-unlink-{}", std::process::id());
/// let value = Synchronized::create(&name, 1_u32)?;
/// unlink(&name)?;
/// assert!(Synchronized::<u32>::open(&name).is_err());
/// assert!(value.is_retired());
/// value.set(2)?; // The value goes on.
/// # Ok::<(), shared_value::Error>(())
/// ```
pub fn unlink<'a>(location: impl Into<Location<'a>>) -> Result<(), Error> {
    let location = location.into();
    unlink_at(&location, &location.known_path("unlink")?, |_| Ok(()))
}

/// Unlinks the name or the file, if it leads to the file with this identity.
pub(super) fn unlink_only(location: &Location<'_>, identity: Identity) -> Result<(), Error> {
    let Some(path) = location.path()? else {
        return Err(Error::Unsupported { what: "this handle knows no name or path that could be unlinked" });
    };
    let check = |found: Identity| {
        let cause = "this value has lost its name, which now leads to another file";
        if found == identity { Ok(()) } else { Err(location.failed("unlink", io::Error::other(cause))) }
    };
    // This opens no file: opening a pipe or a device that has taken the name could have effects.
    check(sys::file::identity(&path).map_err(|error| location.failed("unlink", error))?)?;
    unlink_at(location, &path, check)
}

/// Unlinks the file at a path, if `check` accepts it.
fn unlink_at(location: &Location<'_>, path: &Path, check: impl Fn(Identity) -> Result<(), Error>) -> Result<(), Error> {
    let remove = || fs::remove_file(path).map_err(|error| location.failed("unlink", error));
    for _ in 0..TRIES {
        let Some(opened) = open_at(path, location) else { break };
        let mapping = opened.mapping();
        // A process that was stopped while it changed the name does not keep others from unlinking it.
        let file = opened.file();
        let Some(_naming) = file.and_then(|file| Naming::wait(file).ok()) else { break };
        let leads_here = sys::file::identity(path).is_ok_and(|found| found == mapping.identity());
        if !leads_here {
            continue;
        }
        check(mapping.identity())?;
        // If *pending* stayed, the loss of the name would pass for a replacement.
        if let Standing::Pending { links } = standing(mapping.retired()) {
            mapping.settle_pending(links);
        }
        // An owner that did not know the path has settled without removing it.
        if let Ok(path) = PathText::of(&location.to_static()) {
            mapping.remove_next(&path);
        }
        remove()?;
        retired::set_unlinked(mapping.retired());
        return Ok(());
    }
    remove()
}

/// A segment whose name is to be removed.
enum Opened {
    /// This process has it open. If the last handle is dropped meanwhile, the segment can be opened again, by the same mapping.
    /// The file is opened for the right to change the name: threads would share the right by the mapping's opening.
    Known(Arc<Segment>, File),
    /// This mapping is not registered, and so may be the second one: no lock is taken in it.
    Other(Box<Mapping>),
}

impl Opened {
    fn mapping(&self) -> &Mapping {
        match self {
            Self::Known(segment, _) => segment,
            Self::Other(mapping) => mapping,
        }
    }

    /// Returns an opening for the right to change the name.
    fn file(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Known(_, file) => Some(file.as_fd()),
            Self::Other(mapping) => mapping.known_file(),
        }
    }
}

/// Opens the segment at a path, if it is one, and this process may write it.
fn open_at(path: &Path, location: &Location<'_>) -> Option<Opened> {
    // Opening a pipe or a device could have effects.
    sys::file::kind_at(path).ok().filter(fs::FileType::is_file)?;
    let file = sys::file::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    if let Some(segment) = registry::get(Identity::of_metadata(&metadata)) {
        return Some(Opened::Known(segment, file));
    }
    Mapping::new(file, &metadata, location.to_static()).ok().map(|mapping| Opened::Other(Box::new(mapping)))
}
