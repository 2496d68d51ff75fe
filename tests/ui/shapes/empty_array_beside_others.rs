use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Tail {
    length: u64,
    bytes: [u8; 0],
}

fn main() {}
