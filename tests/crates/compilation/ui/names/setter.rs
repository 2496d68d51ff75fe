use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    limit: u32,
    set_limit: u32,
}

fn main() {}
