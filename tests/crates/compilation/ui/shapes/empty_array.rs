use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Nothing {
    bytes: [u8; 0],
}

fn main() {}
