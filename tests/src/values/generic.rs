//! `Labelled`: a generic value.

use shared_value::{FixedStr, SharedValue};

/// Something, and its name.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Labelled<T: SharedValue, const N: usize> {
    /// The name.
    pub label: FixedStr<N>,
    /// What has it.
    pub value: T,
    /// More of the same.
    pub history: [T; 3],
}
