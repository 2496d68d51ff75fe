//! `Labelled`: a generic value.

use shared_value::{FixedStr, SharedValue};

/// A value of any type with a name.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Labelled<T: SharedValue, const N: usize> {
    /// The name.
    pub label: FixedStr<N>,
    /// The value.
    pub value: T,
    /// Earlier values.
    pub history: [T; 3],
}
