use std::sync::atomic::AtomicI32;

use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    requests: AtomicI32,
}

fn main() {}
