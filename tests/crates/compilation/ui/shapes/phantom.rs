use std::marker::PhantomData;

use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Id<T> {
    number: u64,
    kind: PhantomData<T>,
}

fn main() {}
