//! Nothing is in scope but what is named.
#![no_implicit_prelude]

/// An enum.
#[derive(::memory::SharedValue, ::core::clone::Clone, ::core::marker::Copy)]
#[shared(crate = "::memory")]
#[repr(u8)]
pub enum Bare {
    /// Not closed.
    Open,
    /// Not open.
    Closed,
}

/// A struct with every kind of accessor.
#[derive(::memory::SharedValue, ::core::clone::Clone, ::core::marker::Copy)]
#[shared(crate = "::memory", size = 32)]
#[repr(C)]
pub struct Account {
    /// In cents.
    pub balance: i64,
    /// Per day.
    pub limits: [u32; 2],
    /// Calls.
    #[shared(atomic)]
    pub requests: u64,
    /// Whether it is closed.
    pub state: Bare,
    /// Three bytes.
    #[shared(pod)]
    pub color: [u8; 3],
}
