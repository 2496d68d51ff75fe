use std::sync::atomic::AtomicI32;

use shared_value::SharedValue;

#[derive(SharedValue)]
#[repr(C)]
struct Account {
    balance: i64,
    requests: AtomicI32,
}

fn main() {}
