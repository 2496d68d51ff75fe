use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    limits: [u32; 4],
    limits_at: u32,
}

fn main() {}
