//! `Twins`: two fields that must always be equal, at a chosen distance from each other.

use shared_value::SharedValue;

/// The number of words between the twins in a value of one cache line.
pub const LINE: usize = 6;
/// The number of words between the twins in a value of 512 bytes.
pub const LARGE: usize = 62;
/// The number of words between the twins in a value of 4 KiB.
pub const PAGE: usize = 510;

/// Twins in 24 bytes.
pub type PairTwins = Twins<[u64; 1]>;
/// Twins in one cache line.
pub type LineTwins = Twins<[u64; LINE]>;
/// Twins in 512 bytes.
pub type LargeTwins = Twins<[u64; LARGE]>;
/// Twins in 4 KiB.
pub type PageTwins = Twins<[u64; PAGE]>;

/// Two numbers that are equal in every committed value.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Twins<B: SharedValue> {
    /// The first bytes of the value.
    pub left: u64,
    /// Bytes that take time to copy.
    pub between: B,
    /// The last bytes of the value.
    pub right: u64,
}

impl<const WORDS: usize> Twins<[u64; WORDS]> {
    /// Makes twins that are equal to `number`, as are all words between them.
    pub fn of(number: u64) -> Self {
        Self { left: number, between: [number; WORDS], right: number }
    }

    /// Returns whether the twins are equal.
    pub fn are_equal(&self) -> bool {
        self.left == self.right
    }
}
