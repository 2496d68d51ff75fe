use std::num::Wrapping;

use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Counter<T> {
    count: Wrapping<T>,
}

fn main() {}
