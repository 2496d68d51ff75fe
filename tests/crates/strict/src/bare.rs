//! A module without the prelude: only named items are in scope.
#![no_implicit_prelude]

/// An enum.
#[derive(::memory::SharedValue, ::core::clone::Clone, ::core::marker::Copy)]
#[shared(crate = "::memory")]
#[repr(u8)]
pub enum Bare {
    /// The account is open.
    Open,
    /// The account is closed.
    Closed,
}

/// A struct with every kind of accessor.
#[derive(::memory::SharedValue, ::core::clone::Clone, ::core::marker::Copy)]
#[shared(crate = "::memory", size = 32)]
#[repr(C)]
pub struct Account {
    /// The balance in cents.
    pub balance: i64,
    /// The limits of a day and a week.
    pub limits: [u32; 2],
    /// The number of requests.
    #[shared(atomic)]
    pub requests: u64,
    /// Whether the account is closed.
    pub state: Bare,
    /// Three bytes.
    #[shared(pod)]
    pub color: [u8; 3],
}
