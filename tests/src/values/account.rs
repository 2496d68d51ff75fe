//! `Account`: a value whose fields change together.

use shared_value::SharedValue;

/// An account; `deposits` and `balance` are changed together, which makes a half-written account visible.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Account {
    /// The sum of all deposits.
    pub balance: i64,
    /// Whether nothing may change.
    pub frozen: bool,
    /// Limits of a day, a week, a month and a year.
    pub limits: [u32; 4],
    /// How many deposits were made.
    pub deposits: u64,
    /// How many requests were made.
    #[shared(atomic)]
    pub requests: u64,
}

impl Account {
    /// Makes an account after `deposits` deposits of 10.
    pub fn after(deposits: u32) -> Self {
        Self {
            balance: i64::from(deposits) * 10,
            frozen: false,
            limits: [deposits; 4],
            deposits: deposits.into(),
            requests: 0,
        }
    }

    /// Returns whether all fields agree on the number of deposits.
    pub fn is_whole(&self) -> bool {
        u32::try_from(self.deposits)
            .is_ok_and(|deposits| Self { requests: self.requests, ..Self::after(deposits) } == *self)
    }
}
