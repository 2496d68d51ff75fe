use std::num::Wrapping;

use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: Wrapping<i64>,
}

fn main() {}
