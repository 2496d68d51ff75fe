//! `inspect`: describes a segment without using it, for tools that list and diagnose.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::error::Error;
use crate::format::{Header, RETIRED, RequiredLock, UNVOUCHED, UnvalidatedHeader};
use crate::protocol::lock_word::{OWNER_DIED, WAITERS, is_retired_by, process_and_thread};
use crate::protocol::retired::Standing;
use crate::segment::header::{expect_regular, read_unvalidated};
use crate::segment::location::Location;
use crate::sys::entrance;

/// Describes a segment as it was at one moment. Returned by [`inspect`].
///
/// Every process that may write to the segment can have written any of these facts. They are for people who look for a fault,
/// and decide nothing.
#[derive(Debug)]
pub struct Report {
    name: String,
    length: u64,
    format: Option<u32>,
    fault: Option<Error>,
    users: Users,
    facts: Option<Facts>,
}

/// The processes that have the file open.
#[derive(Debug)]
struct Users {
    is_written: bool,
    is_read: bool,
    is_being_opened: bool,
}

/// The facts of a segment that this version of the library can open.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Facts {
    identity: u128,
    schema: String,
    size: usize,
    is_arena: bool,
    is_live: bool,
    lock: ReportedLock,
    owner: Option<LockOwner>,
    has_owner_died: bool,
    has_waiters: bool,
    is_awaited: bool,
    version: u64,
    recoveries: u64,
    is_unvouched: bool,
    is_retired: bool,
}

/// The lock that guards a value, in a [`Report`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportedLock {
    /// No lock: the value is [`Unlocked`](crate::Unlocked).
    None,
    /// The library's lock, which belongs to the value.
    Native,
    /// A pthread mutex: [`LockKind`](crate::LockKind) says how such a value is opened.
    Pthread,
    /// The lock of another segment: an [`RLock`](crate::RLock) or a [`Lock`](crate::Lock).
    Object {
        /// The identity of that lock object, as `Itself` reports it.
        identity: u64,
    },
    /// The segment is a lock object.
    Itself {
        /// The identity of the lock object.
        identity: u64,
    },
}

/// The thread that holds a lock, as the lock names it in a [`Report`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockOwner {
    process: Option<u32>,
    thread: u32,
}

impl LockOwner {
    /// Returns the kernel's id of the thread, in the PID namespace of that thread. In this process's own namespace,
    /// `/proc/ID/status` names its process.
    pub fn thread_id(&self) -> u32 {
        self.thread
    }

    /// Returns the random number by which the library tells the owner's process from others. It is not the id of the process,
    /// and a pthread mutex has none.
    pub fn process_number(&self) -> Option<u32> {
        self.process
    }
}

/// Describes the segment with this name, or in this file, and leaves it as it is.
///
/// It takes no lock, neither the lock of the value nor one on the file, and maps nothing: processes that use the segment do
/// not notice. It also describes segments that this version of the library cannot open, and files that are not segments:
/// [`Report::fault`] says why. Read permission is enough.
///
/// # Errors
/// `NotFound`, `InvalidName`, and `Io` if this process may not read the file; `InvalidSegment` if it is not a regular file.
///
/// ```
/// use shared_value::{ReportedLock, Synchronized, inspect, unlink};
///
/// # let name = format!("shared-value-doc-inspect-{}", std::process::id());
/// let value = Synchronized::create(&name, 1_u32)?;
/// value.set(2)?;
/// let guard = value.lock()?;
/// let report = inspect(&name)?;
/// assert_eq!((report.type_name(), report.version()), ("u32", Some(1)));
/// assert_eq!(report.lock(), Some(ReportedLock::Native));
/// assert!(report.owner().is_some() && report.is_in_use());
/// drop(guard);
/// assert!(inspect(&name)?.owner().is_none());
/// unlink(&name)?;
/// # Ok::<(), shared_value::Error>(())
/// ```
pub fn inspect<'a>(location: impl Into<Location<'a>>) -> Result<Report, Error> {
    let location = location.into();
    let name = location.to_string();
    let failed = |error| Error::io(format!("inspect `{name}`"), error);
    let file = location.open_file_read_only()?;
    let metadata = file.metadata().map_err(failed)?;
    expect_regular(metadata.file_type()).map_err(|invalid| invalid.of(&name))?;
    let header = read_unvalidated(&file, metadata.len()).map_err(failed)?;
    let users = Users {
        is_written: entrance::is_in_use(&file).map_err(failed)?,
        is_read: entrance::is_read(&file).map_err(failed)?,
        is_being_opened: entrance::is_being_entered(&file).map_err(failed)?,
    };
    let (facts, fault) = match header.validate() {
        Ok(valid) => (Some(Facts::read(&file, &header, &valid).map_err(failed)?), None),
        Err(invalid) => (None, Some(invalid.of(&name))),
    };
    Ok(Report { length: metadata.len(), format: header.format(), name, fault, users, facts })
}

impl Facts {
    fn read(file: &File, unvalidated: &UnvalidatedHeader, header: &Header) -> io::Result<Self> {
        let entry = &header.entries[0];
        let start = entry.cell_offset as u64;
        let [word, recoveries, _, _, _, version, _, event] = steady(file, start)?;
        let (process, thread) = process_and_thread(word);
        let mut owner = (thread != 0 && !is_retired_by(word)).then_some(LockOwner { process: Some(process), thread });
        let (mut has_owner_died, mut has_waiters) = (word & OWNER_DIED != 0, word & WAITERS != 0);
        let lock = match header.lock {
            RequiredLock::None => ReportedLock::None,
            RequiredLock::Native => ReportedLock::Native,
            RequiredLock::Pthread => {
                // The first word of the C library's mutex has the bits of the lower half of a native lock word.
                let [mutex] = steady(file, entry.mutex_offset() as u64)?;
                let thread = process_and_thread(mutex).1;
                owner = (thread != 0).then_some(LockOwner { process: None, thread });
                (has_owner_died, has_waiters) = (mutex & OWNER_DIED != 0, mutex & WAITERS != 0);
                ReportedLock::Pthread
            }
            RequiredLock::Object { identity } => ReportedLock::Object { identity },
            // The value of a lock object never changes, so both slots hold it.
            RequiredLock::Itself if entry.cell_length >= CONTROL + 8 => {
                ReportedLock::Itself { identity: steady::<1>(file, start + CONTROL as u64)?[0] }
            }
            RequiredLock::Itself => ReportedLock::Itself { identity: 0 },
        };
        let flag = |offset: usize| unvalidated.word(offset).is_some_and(|word| word != 0);
        Ok(Self {
            identity: header.identity.to_bits(),
            schema: entry.schema().to_owned(),
            size: entry.size(),
            is_arena: header.lock == RequiredLock::Native
                && entry.schema().starts_with("Arena\n")
                && unvalidated.file_length > start.saturating_add(entry.cell_length as u64),
            is_live: entry.is_one_slot(),
            lock,
            owner,
            has_owner_died,
            has_waiters,
            is_awaited: event & 1 != 0,
            // The highest bit says that the last commit is joined to a record.
            version: version & (u64::MAX >> 1),
            recoveries,
            is_unvouched: flag(UNVOUCHED),
            is_retired: matches!(
                unvalidated.word(RETIRED).map(Standing::of_word),
                Some(Standing::Unlinked | Standing::Replaced)
            ),
        })
    }
}

/// The bytes of a control line.
const CONTROL: usize = 64;

/// Reads words of a file that other processes may change meanwhile: until two reads agree, so that no word is a mixture. A
/// process that changes them all the time gets the last read as it is.
fn steady<const N: usize>(file: &File, offset: u64) -> io::Result<[u64; N]> {
    const TRIES: usize = 100;
    let read = || -> io::Result<[u64; N]> {
        let mut words = [0; N];
        file.read_exact_at(bytemuck::cast_slice_mut(&mut words), offset)?;
        Ok(words)
    };
    let mut last = read()?;
    for _ in 0..TRIES {
        let next = read()?;
        if next == last {
            break;
        }
        last = next;
    }
    Ok(last)
}

impl Report {
    /// Returns the name or path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the length of the file in bytes; for an arena, the most that it may take.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns the version of the segment's format; `None` if the file is not a segment. This version of the library opens
    /// segments of format 2.
    pub fn format(&self) -> Option<u32> {
        self.format
    }

    /// Returns why this version of the library cannot open the segment; `None` if nothing was found. Opening checks more: the
    /// schema, and the bits of the value.
    pub fn fault(&self) -> Option<&Error> {
        self.fault.as_ref()
    }

    /// Returns whether a process has the segment open for writing.
    pub fn is_in_use(&self) -> bool {
        self.users.is_written
    }

    /// Returns whether a process has the segment open for reading only.
    pub fn is_read(&self) -> bool {
        self.users.is_read
    }

    /// Returns whether a process is opening the segment at this moment. That takes microseconds, unless the process is
    /// stopped: others wait for it up to five seconds.
    pub fn is_being_opened(&self) -> bool {
        self.users.is_being_opened
    }

    /// Returns the 128 random bits that no other segment has. Copies of the file have them too.
    pub fn identity(&self) -> Option<u128> {
        self.facts.as_ref().map(|facts| facts.identity)
    }

    /// Returns the schema: the name of the type, then a line for each field. It is empty if the segment has a fault.
    pub fn schema(&self) -> &str {
        self.facts.as_ref().map_or("", |facts| &facts.schema)
    }

    /// Returns the name of the value's type, `Arena` for an arena, `RLock` or `Lock` for a lock object. It is empty if the
    /// segment has a fault.
    pub fn type_name(&self) -> &str {
        self.schema().lines().next().unwrap_or_default()
    }

    /// Returns the number of bytes of the value.
    pub fn size(&self) -> Option<usize> {
        self.facts.as_ref().map(|facts| facts.size)
    }

    /// Returns whether the segment is an arena, as far as its header says.
    pub fn is_arena(&self) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.is_arena)
    }

    /// Returns whether the value is a [`Live`](crate::Live): it has one slot and no versions.
    pub fn is_live(&self) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.is_live)
    }

    /// Returns the lock that guards the value; for an arena, the lock under which values are added and removed.
    pub fn lock(&self) -> Option<ReportedLock> {
        self.facts.as_ref().map(|facts| facts.lock)
    }

    /// Returns the thread that holds the lock in this segment. A value under a lock object has no lock in its own segment: ask
    /// for the report of the lock object.
    pub fn owner(&self) -> Option<LockOwner> {
        self.facts.as_ref().and_then(|facts| facts.owner)
    }

    /// Returns whether the last owner of the lock died with it, and no thread has taken the lock since.
    pub fn has_owner_died(&self) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.has_owner_died)
    }

    /// Returns whether threads may be waiting for the lock or for a change. A thread that died while it waited may count.
    pub fn has_waiters(&self) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.has_waiters)
    }

    /// Returns whether threads may be waiting for a change. A thread that died while it waited may count.
    pub fn is_awaited(&self) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.is_awaited)
    }

    /// Returns the number of commits so far; for an arena, of changes of its directory. A live value has none.
    pub fn version(&self) -> Option<u64> {
        self.facts.as_ref().map(|facts| facts.version)
    }

    /// Returns how often the lock was taken over from a dead owner.
    pub fn recoveries(&self) -> Option<u64> {
        self.facts.as_ref().map(|facts| facts.recoveries)
    }

    /// Returns whether a process has taken locks although nothing vouches for its existence. Then no owner in this segment is
    /// taken for gone, until the segment is opened while no process has it open.
    pub fn is_unvouched(&self) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.is_unvouched)
    }

    /// Returns whether the segment is marked as retired: its name was unlinked, or another segment has taken its place.
    pub fn is_retired(&self) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.is_retired)
    }
}
