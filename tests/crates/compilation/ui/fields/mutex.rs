use std::sync::Mutex;

use shared_value::SharedValue;

#[derive(SharedValue)]
#[repr(C)]
struct Account {
    balance: i64,
    limit: Mutex<u32>,
}

fn main() {}
