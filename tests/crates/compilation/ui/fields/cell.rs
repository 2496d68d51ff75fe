use std::cell::Cell;

use shared_value::SharedValue;

#[derive(SharedValue)]
#[repr(C)]
struct Account {
    balance: i64,
    limit: Cell<u32>,
}

fn main() {}
