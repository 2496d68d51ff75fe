use std::sync::atomic::AtomicU64;

use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    requests: AtomicU64,
}

fn main() {}
