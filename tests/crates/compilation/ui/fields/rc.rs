use std::rc::Rc;

use shared_value::SharedValue;

#[derive(SharedValue)]
#[repr(C)]
struct Account {
    balance: i64,
    parent: Rc<u32>,
}

fn main() {}
