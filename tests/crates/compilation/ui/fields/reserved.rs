use shared_value::{Reserved, SharedValue};

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    spare: Reserved<8>,
}

fn main() {}
