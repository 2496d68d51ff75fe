use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(size = 8)]
struct Account {
    balance: i64,
    frozen: bool,
}

fn main() {}
