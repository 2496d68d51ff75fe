//! `Mapping`: the memory of a segment in this process, and its validated header.
#![allow(unsafe_code)]

use std::fs::{File, Metadata};
use std::io;
use std::marker::PhantomPinned;
use std::mem;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use memmap2::{Advice, MmapOptions, MmapRaw};

use crate::error::Error;
use crate::format::{CELL_ALIGN, CellEntry, EVENT, Header, RequiredLock, SegmentId, UNVOUCHED};
use crate::lock;
use crate::lock::Signal;
use crate::protocol::atomics::AtomicU64;
use crate::protocol::fault;
use crate::protocol::lock_word::process_and_thread;
use crate::protocol::unvouched;
use crate::segment::claims::layout::Layout;
use crate::segment::claims::state::Claims;
use crate::segment::header::{expect_regular, read_header};
use crate::segment::lanes::{LaneArea, TakenLanes};
use crate::segment::location::Location;
use crate::segment::memory::MemorySeen;
use crate::sys;
use crate::sys::descriptor::{Descriptor, Identity};
use crate::sys::entrance::{self, Entrance};
use crate::sys::presence::{self, Presence};

/// The memory of a segment.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// Dropped before the memory, which keeps the inode from being reused for a file that this would then take for its own.
    file: Descriptor,
    /// Keeps the file open as long as this process has it mapped, with the locks that mark it as in use: also if other code
    /// has closed the descriptor.
    memory: MmapRaw,
    /// Whether a store to the memory is a fault, whatever the descriptor would allow.
    is_read_only: bool,
    location: Location<'static>,
    name: String,
    header: Header,
    /// Where the cell ends that the header names, rounded up to a line.
    behind_cell: usize,
    /// The id of this process for locks, if something was done to vouch for it.
    vouched_for: AtomicU32,
    /// What vouches for that process. Used under the registry's lock only.
    presence: Mutex<Option<Presence>>,
    /// The values of an arena that this process has open.
    claims: OnceLock<Begun>,
    /// The lanes that this process has taken.
    taken_lanes: TakenLanes,
    /// How many bytes may be in use without another look at the file.
    pub(super) memory_seen: MemorySeen,
    /// The hooks that run around a `fork` may use the mapping while another thread has begun to drop it. This field tells the
    /// compiler that a `&mut Mapping` is not the only reference.
    #[expect(dead_code, reason = "only its type matters")]
    shared_with_hooks: PhantomPinned,
}

/// The claims of this process in an arena.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) claims: Claims,
    /// Ends them, when the mapping is dropped.
    pub(super) end: fn(&Mapping),
    /// Leads threads that change a value to those that wait for changes of the arena; `None` if the memory cannot be written.
    #[expect(dead_code, reason = "it is known as long as it lives")]
    pub(super) signal: Option<Signal>,
}

impl Mapping {
    /// Maps a file whose header is valid.
    pub(super) fn new(file: File, metadata: &Metadata, location: Location<'static>) -> Result<Self, Error> {
        // The mapping is shared between processes, and raw: nothing here ever hands out a reference to its plain bytes.
        Self::mapped(file, metadata, location, false)
    }

    /// Maps a file whose header is valid, for reading. A write to the memory is a fault, and `mprotect` cannot change that
    /// if the file is open for reading only.
    pub(super) fn read_only(file: File, metadata: &Metadata, location: Location<'static>) -> Result<Self, Error> {
        Self::mapped(file, metadata, location, true)
    }

    fn mapped(file: File, metadata: &Metadata, location: Location<'static>, is_read_only: bool) -> Result<Self, Error> {
        let name = location.to_string();
        let failed = |source| Error::io(format!("map `{name}`"), source);
        expect_regular(metadata.file_type()).map_err(|invalid| invalid.of(&name))?;
        let file_length = metadata.len();
        let header = read_header(&file, file_length).map_err(failed)?.map_err(|invalid| invalid.of(&name))?;
        let length = usize::try_from(file_length).map_err(|error| failed(io::Error::other(error)))?;
        let map = if is_read_only { MmapOptions::map_raw_read_only } else { MmapOptions::map_raw };
        let memory = map(MmapOptions::new().len(length), &file).map_err(|error| {
            let cause = match error.kind() {
                // `mlockall(MCL_FUTURE)` locks the whole mapping at once.
                io::ErrorKind::WouldBlock => format!(", {length} bytes that `mlockall` locks, beyond RLIMIT_MEMLOCK"),
                io::ErrorKind::OutOfMemory => format!(", {length} bytes of address space: use a smaller capacity"),
                _ => String::new(),
            };
            Error::io(format!("map `{name}`{cause}"), error)
        })?;
        // A dump of a large segment takes long, and the kernel frees the locks of the process only when the dump is written.
        memory.advise(Advice::DontDump).map_err(failed)?;
        let file = Descriptor::of_known(file, Identity::of_metadata(metadata)).map_err(failed)?;
        let cell_end = header.entries.first().map_or(0, |entry| entry.cell_offset.saturating_add(entry.cell_length));
        let behind_cell = cell_end.checked_next_multiple_of(CELL_ALIGN).unwrap_or(usize::MAX);
        Ok(Self {
            file,
            memory,
            is_read_only,
            location,
            name,
            header,
            behind_cell,
            vouched_for: AtomicU32::new(0),
            presence: Mutex::default(),
            claims: OnceLock::new(),
            taken_lanes: TakenLanes::default(),
            memory_seen: MemorySeen::default(),
            shared_with_hooks: PhantomPinned,
        })
    }

    /// Returns what this process has open in the arena; `None` if it has opened no value there.
    #[inline(always)]
    pub(super) fn claims(&self) -> Option<&Claims> {
        self.claims.get().map(|begun| &begun.claims)
    }

    /// Sets what `claims` returns. Returns the argument if that was set before.
    pub(super) fn begin_claims(&self, begun: Begun) -> Option<Begun> {
        self.claims.set(begun).err()
    }

    /// Makes the event word of the directory known as the signal of this arena. Returns `None` if the memory cannot be written.
    ///
    /// # Safety
    /// The signal is dropped before the mapping, or kept by `begin_claims`.
    pub(super) unsafe fn add_signal(&self) -> Option<Signal> {
        let start = self.entries().first().filter(|_| !self.is_read_only())?.cell_offset;
        let event = self.words(start.checked_add(EVENT)?, 1)?.first()?;
        // SAFETY: the word lies in this mapping. The caller drops the signal before, or `drop` does, before it drops the memory.
        Some(unsafe { Signal::add(&self.addresses(), event) })
    }

    /// Returns where the claims of the arena lie; `None` if this process has opened no value there.
    pub(crate) fn layout_of_claims(&self) -> Option<Layout> {
        self.claims().map(Claims::layout)
    }

    /// Returns whether the memory is mapped for reading only. The descriptor may be one for writing all the same, if another
    /// process has handed it over.
    pub(super) fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// Returns whether the descriptor is for reading only.
    pub(super) fn is_descriptor_read_only(&self) -> bool {
        self.file.is_read_only()
    }

    /// Returns the descriptor of the file; `None` if other code of this program has closed it. Needs no memory.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.file.get()
    }

    /// Returns where the segment lives.
    pub(crate) fn location(&self) -> &Location<'static> {
        &self.location
    }

    /// Returns the name or path, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the lock that guards the values, as the header said when the segment was mapped.
    pub(crate) fn required_lock(&self) -> RequiredLock {
        self.header.lock
    }

    /// Returns whether a thread may take the value's own lock again, as the header said when the segment was mapped.
    pub(crate) fn is_recursive(&self) -> bool {
        self.header.is_recursive
    }

    /// Returns the cells, as the header said when the segment was mapped.
    pub(crate) fn entries(&self) -> &[CellEntry] {
        &self.header.entries
    }

    /// Returns where the cell ends that the header names, rounded up to a line.
    #[inline(always)]
    pub(crate) fn behind_cell(&self) -> usize {
        self.behind_cell
    }

    /// Returns the address of the byte at `offset`, if `length` bytes from there lie in the segment.
    #[inline]
    pub(crate) fn at(&self, offset: usize, length: usize) -> Option<NonNull<u8>> {
        let end = offset.checked_add(length)?;
        let start = self.memory.as_mut_ptr();
        (end <= self.memory.len()).then(|| start.wrapping_byte_add(offset)).and_then(NonNull::new)
    }

    /// Returns `count` words from `offset` on, if that is a multiple of 8 and the words lie in the segment.
    ///
    /// Other processes may write anything to them: all accesses to shared memory are accesses to whole atomic words.
    #[inline]
    pub(crate) fn words(&self, offset: usize, count: usize) -> Option<&[AtomicU64]> {
        if !offset.is_multiple_of(size_of::<u64>()) {
            return None;
        }
        let first = self.at(offset, count.checked_mul(size_of::<u64>())?)?.cast();
        // SAFETY: `at` has checked that `count` words from `first` on lie in the mapping, which lasts while `self` lives.
        // They are aligned, since mappings start at pages and `offset` is a multiple of 8. They are atomics: all bytes are
        // valid for them, and they may change under a shared reference.
        Some(unsafe { slice::from_raw_parts(first.as_ptr(), count) })
    }

    /// Returns the length of the segment in bytes.
    pub(crate) fn length(&self) -> usize {
        self.memory.len()
    }

    /// Returns the file, for handing it over and for reserving memory. If other code of this program has closed the
    /// descriptor, opens the file again.
    ///
    /// # Errors
    /// The error of the last attempt, if the file cannot be opened again.
    pub(crate) fn file(&self) -> io::Result<BorrowedFd<'_>> {
        let number = self.file.number();
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let read_only = self.file.is_read_only();
        let file = self.open_again(read_only).map_err(|error| {
            let text = "other code of this program has closed the descriptor, and the file cannot be opened again";
            io::Error::new(error.kind(), format!("{text}: {error}"))
        })?;
        // Locks that mark the file as in use belong to one opening, and those of the first end with the mapping. A process
        // that gets this opening needs them too.
        if read_only {
            entrance::read(file.as_fd())?;
        } else {
            Entrance::wait(file.as_fd())?.enter()?;
        }
        self.file.replace(number, file)
    }

    /// Returns the file, unless other code of this program has closed the descriptor.
    pub(super) fn known_file(&self) -> Option<BorrowedFd<'_>> {
        self.file.get()
    }

    /// Opens the file once more: by its descriptor, or else by the mapping, or else at its location.
    pub(super) fn open_again(&self, read_only: bool) -> io::Result<File> {
        let by_descriptor = match self.file.get() {
            Some(file) if read_only => sys::file::reopen_read_only(file),
            _ => Err(io::ErrorKind::NotFound.into()),
        };
        by_descriptor.or_else(|error| {
            let mapped = sys::file::open_mapped(&self.addresses(), read_only);
            let mapped = if error.kind() == io::ErrorKind::NotFound { mapped } else { mapped.map_err(|_| error) };
            mapped.or_else(|error| self.open_at_location(read_only).ok_or(error))
        })
    }

    /// Opens the file at its location, if the location still leads to it.
    fn open_at_location(&self, read_only: bool) -> Option<File> {
        if !self.location.leads_to(self.identity()) {
            return None;
        }
        let path = self.location.path().ok()??;
        let file = if read_only { sys::file::open_read_only(&path) } else { sys::file::open(&path) }.ok()?;
        (Identity::of(&file).ok()? == self.identity()).then_some(file)
    }

    /// Loads the pages of a part of the memory, so that reading them raises no SIGBUS. Before Linux 5.14, it does nothing.
    pub(super) fn load_pages(&self, part: Range<usize>) -> io::Result<()> {
        match self.memory.advise_range(Advice::PopulateRead, part.start, part.len()) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            // The kernel says so where a load would raise SIGBUS.
            Err(error) if error.raw_os_error() == Some(libc::EFAULT) => Err(io::ErrorKind::StorageFull.into()),
            loaded => loaded,
        }
    }

    pub(crate) fn identity(&self) -> Identity {
        self.file.identity()
    }

    /// Returns the 128 random bits that the header said when the segment was mapped.
    pub(crate) fn id(&self) -> SegmentId {
        self.header.identity
    }

    pub(super) fn addresses(&self) -> Range<usize> {
        let start = self.memory.as_mut_ptr().addr();
        start..start + self.memory.len()
    }
}

/// Vouching for the owners of locks.
///
/// Each process that takes locks in a segment shows that it exists, by its [`Presence`]. If that fails (the process may not
/// open the file for writing, has no descriptor left, or has no `/proc`), the process sets the word *unvouched* in the
/// header before it takes a lock, and from then on no owner in this segment is taken for gone. The first process that opens
/// the segment while no other has it open clears the word.
impl Mapping {
    /// Returns whether something was done to vouch for the process with this id.
    pub(super) fn is_vouched_for(&self, process: u32) -> bool {
        self.vouched_for.load(Relaxed) == process
    }

    /// Shows that this process exists, which has this id for locks. Does nothing if that was done. Returns `false` if another
    /// mapping of this process still does that, which is being unmapped by another thread; then the caller tries again, unless
    /// `is_last`.
    pub(super) fn vouch(&self, process: u32, is_last: bool) -> bool {
        if self.is_vouched_for(process) {
            return true;
        }
        let mut presence = self.presence();
        // A forked child has a copy of its parent's presence, but not the page.
        mem::forget(presence.take());
        // Other code of this program may have closed the descriptor. Opening the file again needs memory, which may not be
        // asked for under the registry's lock.
        let file = self.file.get();
        match file.map(|file| Presence::new(file, process)) {
            Some(Err(error)) if !is_last && error.kind() == io::ErrorKind::WouldBlock => return false,
            shown => *presence = shown.and_then(Result::ok),
        }
        self.vouched_for.store(process, Relaxed);
        let is_shown = |file| presence.is_some() && presence::is_shown(file, process).unwrap_or(false);
        if !file.is_some_and(is_shown) {
            unvouched::set(self.unvouched());
        }
        true
    }

    /// Forgets what earlier processes were vouched for, before any process uses the segment.
    pub(crate) fn begin_vouching(&self) {
        unvouched::clear(self.unvouched());
    }

    /// Returns whether an owner of a lock in this segment is known not to exist.
    pub(super) fn is_gone(&self, owner: u64) -> bool {
        let (process, thread) = process_and_thread(owner);
        let own = lock::process::id();
        if process == own {
            return !sys::thread::exists(thread);
        }
        if process == 0 || unvouched::is_set(self.unvouched()) {
            return false;
        }
        // Without the descriptor, nothing can be asked.
        let Some(file) = self.file.get() else { return false };
        let is_shown = |process| presence::is_shown(file, process);
        // If this process does not see itself, it cannot see others.
        if !is_shown(own).unwrap_or(false) || is_shown(process).unwrap_or(true) {
            return false;
        }
        // The owner may have set the word since, and then taken the lock.
        !unvouched::is_set(self.unvouched())
    }

    pub(super) fn unvouched(&self) -> &AtomicU64 {
        let words = self.words(UNVOUCHED, 1).and_then(<[_]>::first);
        words.expect("a valid header has this word")
    }

    fn presence(&self) -> MutexGuard<'_, Option<Presence>> {
        self.presence.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lanes of counters that threads of this process have taken.
impl Mapping {
    /// Notes where a thread of this process has taken a lane.
    pub(crate) fn note_lanes(&self, area: LaneArea) {
        self.taken_lanes.add(area);
    }

    /// Returns whether the owner of a lane is known not to exist.
    pub(crate) fn is_lane_owner_gone(&self, owner: u64) -> bool {
        !fault::is_chosen("keep_dead_lanes") && self.is_gone(owner)
    }

    /// Gives back the lanes whose owner is one of these.
    pub(super) fn give_back_lanes(&self, is_one: impl Fn(u64) -> bool) {
        self.taken_lanes.give_back(|offset| self.words(offset, 1)?.first(), is_one);
    }

    /// Gives back the lanes of all threads of this process, none of which uses the segment any more.
    ///
    /// Nothing is given back if this process is not vouched for: then it may have mapped the segment again already.
    fn give_back_all_lanes(&self) {
        let own = lock::process::id();
        if own != 0 {
            self.give_back_lanes(|owner| process_and_thread(owner).0 == own);
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if let Some(begun) = self.claims.get() {
            (begun.end)(self);
        }
        // Before the memory, to which the signal leads.
        drop(self.claims.take());
        let presence = self.presence.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // Another thread may be taking the first lock of this process: then the segment shows the id before locks name it.
        let is_own = lock::process::is_own(self.vouched_for.load(Relaxed));
        // Before the presence ends: then another mapping of the segment may be used.
        if presence.is_some() && is_own && !fault::is_chosen("keep_all_lanes") {
            self.give_back_all_lanes();
        }
        if !is_own {
            // In a forked child, other memory may have taken the place of the page.
            mem::forget(presence);
        }
    }
}
