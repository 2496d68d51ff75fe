//! `Peer`: a process that may write a segment, and writes anything to it.

use shared_value_tests::{SegmentFile, SegmentName};

/// From the start of a cell to the words of its lock.
const LOCK: u64 = 0;
const NEXT: u64 = 32;
const VERSION: u64 = 40;
const SIGNAL: u64 = 56;

pub(crate) const OWNER_DIED: u32 = 0x4000_0000;
pub(crate) const WAITERS: u32 = 0x8000_0000;

/// Pointers that lead nowhere, or to forbidden places.
pub(crate) const WILD: [u64; 7] =
    [0, 1, 8, u64::MAX, 0xdead_beef_dead_beef, 0xffff_8000_0000_0000, 0x0000_7fff_ffff_f000];

/// A process that may write a segment. It writes through the file, which is the memory of the value.
#[derive(Debug)]
pub(crate) struct Peer {
    file: SegmentFile,
    cell: u64,
}

impl Peer {
    pub(crate) fn of(name: &SegmentName) -> Self {
        let file = SegmentFile::open(name.path());
        let cell = u64::from_ne_bytes(file.bytes(128, 8).try_into().expect("eight bytes"));
        Self { file, cell }
    }

    pub(crate) fn lock_word(&self) -> u32 {
        u32::from_ne_bytes(self.file.bytes(self.cell + LOCK, 4).try_into().expect("four bytes"))
    }

    pub(crate) fn set_lock_word(&self, word: u32) {
        self.file.overwrite(self.cell + LOCK, &word.to_ne_bytes());
    }

    /// The half of the lock word that the kernel does not look at.
    pub(crate) fn upper_half(&self) -> u32 {
        u32::from_ne_bytes(self.file.bytes(self.cell + LOCK + 4, 4).try_into().expect("four bytes"))
    }

    pub(crate) fn set_upper_half(&self, half: u32) {
        self.file.overwrite(self.cell + LOCK + 4, &half.to_ne_bytes());
    }

    pub(crate) fn signal(&self) -> u64 {
        self.word(SIGNAL)
    }

    pub(crate) fn set_signal(&self, signal: u64) {
        self.file.overwrite(self.cell + SIGNAL, &signal.to_ne_bytes());
    }

    /// The address of the next entry in the list of the thread that holds the lock.
    pub(crate) fn next(&self) -> u64 {
        self.word(NEXT)
    }

    pub(crate) fn set_next(&self, address: u64) {
        self.file.overwrite(self.cell + NEXT, &address.to_ne_bytes());
    }

    pub(crate) fn set_previous(&self, address: u64) {
        self.file.overwrite(self.cell + NEXT - 8, &address.to_ne_bytes());
    }

    pub(crate) fn version(&self) -> u64 {
        self.word(VERSION)
    }

    pub(crate) fn set_version(&self, version: u64) {
        self.file.overwrite(self.cell + VERSION, &version.to_ne_bytes());
    }

    fn word(&self, offset: u64) -> u64 {
        u64::from_ne_bytes(self.file.bytes(self.cell + offset, 8).try_into().expect("eight bytes"))
    }
}
