//! Renames a field.
#![allow(dead_code, reason = "no code calls the accessors")]

use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(u8)]
enum State {
    Open = 1,
    Frozen = 2,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Limit {
    cents: u32,
    days: u32,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    amount: i64,
    branch: u32,
    number: u32,
    limits: [Limit; 2],
    state: State,
    #[shared(atomic)]
    requests: u64,
}

fn main() -> anyhow::Result<()> {
    shared_value_copies::run(Account {
        amount: -5,
        branch: 1,
        number: 2,
        limits: [Limit { cents: 3, days: 4 }; 2],
        state: State::Frozen,
        requests: 6,
    })
}
