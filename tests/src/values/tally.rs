//! `Tally`: what many processes count in.

use shared_value::SharedValue;

/// How many processes have a lane of their own.
pub const LANES: usize = 8;

/// One number that all count in, and one for each; two lanes share a word, so that writing one must not undo another.
#[derive(SharedValue, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Tally {
    /// What all count in.
    pub total: u64,
    /// What each counts in.
    pub lanes: [u32; LANES],
    /// What all add to without the lock.
    #[shared(atomic)]
    pub sum: i64,
    /// What all take from without the lock.
    #[shared(atomic)]
    pub difference: u64,
    /// The largest that anybody saw.
    #[shared(atomic)]
    pub largest: i64,
    /// The smallest that anybody saw.
    #[shared(atomic)]
    pub smallest: i64,
    /// What all count in by comparing.
    #[shared(atomic)]
    pub compared: u64,
}
