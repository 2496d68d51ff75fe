use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    in_limit: u32,
    limit: u32,
}

fn main() {}
