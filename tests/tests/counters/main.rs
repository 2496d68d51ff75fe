//! Counters, which many threads and processes add to at once.

mod changes;
mod deaths;
mod dynamic;
mod owners;
mod processes;
mod refusals;

use shared_value::{SharedValue, Synchronized};
use shared_value_tests::{SegmentFile, SegmentName};

/// A struct with a counter, a histogram of counters, and other fields.
#[derive(SharedValue, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(crate) struct Server {
    pub(crate) name: u32,
    #[shared(counter)]
    pub(crate) hits: u64,
    pub(crate) limit: i64,
    #[shared(counter)]
    pub(crate) by_status: [u64; 6],
    #[shared(atomic)]
    pub(crate) open: u64,
}

const LANE: u64 = 64;

/// The lanes of a value with at most seven counters, which are the last bytes of its file.
struct Lanes {
    file: SegmentFile,
    start: u64,
    count: u64,
}

impl Lanes {
    fn of<T: SharedValue>(_: &Synchronized<T>, name: &SegmentName, count: u64) -> Self {
        let length = std::fs::metadata(name.path()).expect("the segment has a file").len();
        Self { file: SegmentFile::open(name.path()), start: length - count * LANE, count }
    }

    fn words(&self, offset: u64) -> Vec<u64> {
        let word = |lane| self.file.bytes(self.start + lane * LANE + offset, 8).try_into().expect("eight bytes");
        (0..self.count).map(|lane| u64::from_ne_bytes(word(lane))).collect()
    }

    fn owners(&self) -> Vec<u64> {
        self.words(0)
    }

    fn sums(&self) -> Vec<u64> {
        self.words(8)
    }

    fn set_owner(&self, lane: u64, owner: u64) {
        self.file.overwrite(self.start + lane * LANE, &owner.to_ne_bytes());
    }
}
