use std::sync::atomic::AtomicU64;

use shared_value::SharedValue;

#[derive(SharedValue)]
#[repr(C)]
struct Account {
    balance: i64,
    requests: AtomicU64,
}

fn main() {}
