use std::collections::HashMap;

use shared_value::SharedValue;

#[derive(SharedValue)]
#[repr(C)]
struct Account {
    balance: i64,
    limits: HashMap<u32, u32>,
}

fn main() {}
