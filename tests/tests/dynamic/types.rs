//! Types that the tests about dynamic values share.

use shared_value::SharedValue;
use shared_value_tests::values::{Account, Rgb};

/// A struct that is larger than its field.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(super) struct Aligned {
    pub(super) balance: i64,
}

/// A newtype of a struct with an atomic field, which is atomic only if the struct is the value itself.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(transparent)]
pub(super) struct Wrapped(pub(super) Account);

/// A struct with such a struct in it.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(super) struct Nested {
    pub(super) accounts: [Account; 2],
    #[shared(pod, typecode = "T{2B:red:2B:green:2B:blue:}")]
    pub(super) tint: Rgb,
    #[shared(atomic)]
    pub(super) hits: i64,
}

/// A struct that is named as a primitive, with fields that are named as types.
#[allow(non_camel_case_types)]
pub(super) mod confusing {
    use shared_value::SharedValue;

    #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    pub(crate) struct char {
        pub(crate) char: i8,
        pub(crate) u64: std::primitive::u64,
    }
}

/// A struct with an atomic field of every type.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(super) struct Counters {
    pub(super) plain: u8,
    #[shared(atomic)]
    pub(super) open: bool,
    #[shared(atomic)]
    pub(super) ratio: f64,
    #[shared(atomic)]
    pub(super) lanes: [u64; 4],
    #[shared(atomic)]
    pub(super) flags: [bool; 3],
    #[shared(atomic)]
    pub(super) balance: i64,
}
