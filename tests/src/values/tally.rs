//! `Tally`: counters of many processes.

use shared_value::SharedValue;

/// The number of processes that have a lane of their own.
pub const LANES: usize = 8;

/// A number in which all processes count, and a lane for each process. Two lanes share a word: writing one lane must not
/// undo the other.
#[derive(SharedValue, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Tally {
    /// The number of all counts.
    pub total: u64,
    /// The number of counts of each process.
    pub lanes: [u32; LANES],
    /// A sum to which all processes add without the lock.
    #[shared(atomic)]
    pub sum: i64,
    /// A number from which all processes subtract without the lock.
    #[shared(atomic)]
    pub difference: u64,
    /// The largest number that a process tried.
    #[shared(atomic)]
    pub largest: i64,
    /// The smallest number that a process tried.
    #[shared(atomic)]
    pub smallest: i64,
    /// A number that all processes increase by compare-and-swap.
    #[shared(atomic)]
    pub compared: u64,
}
