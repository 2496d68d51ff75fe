use std::time::Duration;

use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    timeout: Duration,
}

fn main() {}
