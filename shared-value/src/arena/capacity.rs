//! `Capacity`: how many bytes an arena can hold.

use crate::error::Error;

/// The number of bytes that an arena can hold: its values and everything that belongs to them.
///
/// It is address space. Memory is taken as values are made, so a capacity may be far greater than what is needed.
///
/// ```
/// use shared_value::{Arena, Capacity};
///
/// assert_eq!(Arena::new(Capacity(1 << 30))?.capacity(), 1 << 30);
/// assert_eq!(Arena::new(1 << 20)?.capacity(), 1 << 20);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capacity(pub usize);

/// The place of every block then fits into 40 bits, in units of 32 bytes, also behind the longest header.
const MOST: usize = (1 << 45) - (1 << 24);

impl Capacity {
    /// Returns the capacity as the length of a file, if an arena can have it.
    pub(super) fn check(self) -> Result<u64, Error> {
        if self.0 > MOST {
            return Err(Error::Unsupported {
                what: "an arena has a capacity of at most 32 TiB, because its offsets have 40 bits",
            });
        }
        Ok(self.0 as u64)
    }
}

impl From<usize> for Capacity {
    fn from(bytes: usize) -> Self {
        Self(bytes)
    }
}
