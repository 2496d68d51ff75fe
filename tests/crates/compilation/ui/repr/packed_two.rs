use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[repr(packed(2))]
struct Account {
    frozen: bool,
    balance: i64,
}

fn main() {}
