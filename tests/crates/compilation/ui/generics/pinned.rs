use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(size = 16)]
struct Pair<T> {
    first: T,
    second: T,
}

fn main() {}
