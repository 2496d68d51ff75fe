//! `Futex`: a word of a segment on which threads sleep (`futex(2)`).
//!
//! A thread that waits in the library looks at the word from time to time, even if no thread wakes it. So only its delay would
//! tell whether it was woken, and on a busy machine a delay tells nothing. The sleepers of this file do not look: they sleep
//! until they are woken.
#![allow(unsafe_code)]

use std::fs::OpenOptions;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::thread;

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::thread::futex::{self, Flags, Timespec};
use rustix::thread::gettid;

use crate::deadline::{AT_ONCE, eventually};
use crate::name::SegmentName;
use crate::segment_file::SegmentFile;
use crate::stepper::is_asleep;

/// The bit of the lock word that makes a release wake a sleeper (docs/format.md).
const WAITERS: u64 = 1 << 31;
/// The bit of the event word that makes a commit wake all sleepers.
const WAITING: u64 = 1;

/// Offsets in a cell.
const LOCK: usize = 0;
const EVENT: usize = 56;

/// A word of a segment's first cell, in a mapping of its own.
#[derive(Debug)]
pub struct Futex {
    mapping: NonNull<u8>,
    length: usize,
    /// The offset of the word in the cell.
    offset: usize,
    /// The offset of the cell in the segment.
    cell: usize,
}

// SAFETY: the mapping belongs to this value, no method changes the pointer, and all accesses through it are atomic.
unsafe impl Send for Futex {}
// SAFETY: as for `Send`: all accesses through the pointer are atomic.
unsafe impl Sync for Futex {}

impl Futex {
    /// Returns the word on which threads sleep that wait for the lock of a value.
    pub fn of_lock(name: &SegmentName) -> Self {
        Self::new(name, LOCK)
    }

    /// Returns the word on which threads sleep that wait for a change.
    pub fn of_changes(name: &SegmentName) -> Self {
        Self::new(name, EVENT)
    }

    fn new(name: &SegmentName, offset: usize) -> Self {
        let cell = usize::try_from(SegmentFile::open(name.path()).cell_offset()).expect("a small offset");
        let length = cell + 64;
        let file = OpenOptions::new().read(true).write(true).open(name.path()).expect("the segment has a file");
        // SAFETY: the kernel chooses a free address. The file has the bytes, because a cell begins with 64 bytes.
        let mapping =
            unsafe { mmap(ptr::null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, &file, 0) };
        let mapping = NonNull::new(mapping.expect("the file can be mapped")).expect("a mapping has an address").cast();
        Self { mapping, length, offset, cell }
    }

    fn word(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: a cell starts at a multiple of 64, in a page, and its first 64 bytes are mapped while `self` lives.
        let word = unsafe { self.mapping.byte_add(self.cell + offset) };
        // SAFETY: the eight bytes are mapped and aligned; all programs access them atomically.
        unsafe { AtomicU64::from_ptr(word.cast().as_ptr()) }
    }

    /// Returns the lower half of the word, for the kernel alone.
    fn half(&self) -> &AtomicU32 {
        // SAFETY: the pointer leads to the first four bytes of the word. No access of this program goes through the
        // reference: only its address is passed to the kernel.
        unsafe { AtomicU32::from_ptr(self.word(self.offset).as_ptr().cast()) }
    }

    /// Asserts that `wake` wakes threads that sleep on the word, and that wait as the page of the format says: `count` threads,
    /// of which all must wake.
    ///
    /// # Panics
    /// If a thread is not woken.
    #[track_caller]
    pub fn assert_woken_by(&self, count: usize, wake: impl FnOnce()) {
        let sleep = |id: &AtomicU32| {
            let marks = if self.offset == EVENT { [(EVENT, WAITING), (LOCK, WAITERS)] } else { [(LOCK, WAITERS); 2] };
            let [expected, _] = marks.map(|(offset, bit)| self.word(offset).fetch_or(bit, SeqCst) | bit);
            let timeout = Timespec { tv_sec: AT_ONCE.as_secs().cast_signed(), tv_nsec: 0 };
            // From here on, the thread sleeps in no other call.
            id.store(gettid().as_raw_pid().unsigned_abs(), SeqCst);
            #[expect(clippy::cast_possible_truncation, reason = "the kernel compares the lower half")]
            futex::wait(self.half(), Flags::empty(), expected as u32, Some(&timeout))
        };
        let ids: Vec<_> = (0..count).map(|_| AtomicU32::new(0)).collect();
        thread::scope(|scope| {
            let sleepers: Vec<_> = ids.iter().map(|id| scope.spawn(|| sleep(id))).collect();
            for id in &ids {
                eventually("the thread sleeps", || id.load(SeqCst) != 0 && is_asleep(id.load(SeqCst)));
            }
            wake();
            for sleeper in sleepers {
                assert_eq!(sleeper.join().expect("the sleeper does not panic"), Ok(()), "a thread was not woken");
            }
        });
    }

    /// Runs `sleep` in another thread, and asserts that it sleeps on the word. Then runs `end`, which lets `sleep` end.
    ///
    /// # Panics
    /// If the thread does not sleep on the word.
    #[track_caller]
    pub fn assert_slept_on(&self, sleep: impl FnOnce() + Send, end: impl FnOnce()) {
        thread::scope(|scope| {
            let sleeper = scope.spawn(sleep);
            // The kernel tells whether it has found a sleeper. The one that it finds goes back to sleep.
            eventually("a thread sleeps on the word", || futex::wake(self.half(), Flags::empty(), 1) == Ok(1));
            end();
            sleeper.join().expect("the sleeper does not panic");
        });
    }
}

impl Drop for Futex {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this length, and no reference to it outlives `self`.
        unsafe { munmap(self.mapping.as_ptr().cast(), self.length) }.expect("the mapping exists");
    }
}
