use std::num::Wrapping;

use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balances: [Wrapping<i64>; 4],
}

fn main() {}
