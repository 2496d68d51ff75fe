//! Lints that the user allows, and one that the user forbids.

use memory::SharedValue;

/// A type of an earlier version.
#[deprecated = "use another one"]
#[derive(SharedValue, Clone, Copy, Debug)]
#[shared(crate = "memory")]
#[repr(transparent)]
pub struct Cents(pub i64);

/// A struct with a deprecated type.
#[allow(deprecated)]
#[derive(SharedValue, Clone, Copy, Debug)]
#[shared(crate = "memory")]
#[repr(C)]
pub struct Account {
    /// The old balance.
    pub cents: Cents,
    /// The new balance.
    pub balance: i64,
    /// The number of requests.
    #[deprecated = "nobody counts them"]
    pub requests: u64,
}

/// A struct with names from another language, which expects a lint.
#[expect(non_snake_case, reason = "the names are those of the C struct")]
#[derive(SharedValue, Clone, Copy, Debug)]
#[shared(crate = "memory")]
#[repr(C)]
pub struct Foreign {
    /// A name from another language.
    pub balanceInCents: i64,
}

/// A module in which nothing may be allowed that is deprecated.
pub mod forbidding {
    #![forbid(deprecated)]

    use memory::SharedValue;

    /// A struct.
    #[derive(SharedValue, Clone, Copy, Debug)]
    #[shared(crate = "memory")]
    #[repr(C)]
    pub struct Point {
        /// A number.
        pub x: f64,
    }

    /// An enum.
    #[derive(SharedValue, Clone, Copy, Debug)]
    #[shared(crate = "memory")]
    #[repr(u8)]
    pub enum State {
        /// Open.
        Open,
    }
}
