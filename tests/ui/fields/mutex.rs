use std::sync::Mutex;

use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    limit: Mutex<u32>,
}

fn main() {}
