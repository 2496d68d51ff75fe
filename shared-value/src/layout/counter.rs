//! The types of `#[shared(counter)]` fields.

use crate::layout::SharedValue;

/// The number of lanes of counters, unless the struct says another one.
pub(crate) const DEFAULT_LANES: usize = 16;

/// Far more lanes than any machine has cores.
pub(crate) const MOST_LANES: usize = 4096;

/// A type that a `#[shared(counter)]` field can have: `u64`, or `[u64; N]` for a histogram, whose elements count on their own.
#[diagnostic::on_unimplemented(
    message = "`#[shared(counter)]` does not work on `{Self}`",
    label = "not a counter",
    note = "a counter is a `u64`, and a histogram of counters a `[u64; N]`: change the type, or remove `#[shared(counter)]`"
)]
pub trait CountedField: SharedValue + sealed::Sealed {}

impl CountedField for u64 {}
impl<const N: usize> CountedField for [u64; N] {}

mod sealed {
    /// Seals the trait: other crates cannot implement it.
    pub trait Sealed {}

    impl Sealed for u64 {}
    impl<const N: usize> Sealed for [u64; N] {}
}
