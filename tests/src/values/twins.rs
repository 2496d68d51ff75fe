//! `Twins`: two fields that must always be equal, with more or less between them.

use shared_value::SharedValue;

/// The words between the twins that make a value of one cache line.
pub const LINE: usize = 6;
/// The words between the twins that make a value of 512 bytes.
pub const LARGE: usize = 62;
/// The words between the twins that make a value of 4 KiB.
pub const PAGE: usize = 510;

/// Two numbers that are equal in every committed value.
pub type PairTwins = Twins<[u64; 1]>;
/// The same in one cache line.
pub type LineTwins = Twins<[u64; LINE]>;
/// The same in 512 bytes.
pub type LargeTwins = Twins<[u64; LARGE]>;
/// The same in 4 KiB.
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
    /// Twins that are equal to `number`, as is everything between them.
    pub fn of(number: u64) -> Self {
        Self { left: number, between: [number; WORDS], right: number }
    }

    /// Whether the twins are equal.
    pub fn are_equal(&self) -> bool {
        self.left == self.right
    }
}
