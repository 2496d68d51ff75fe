use shared_value::SharedValue;

const LENGTH: usize = 0;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Tail {
    length: u64,
    bytes: [u8; LENGTH],
}

fn main() {}
