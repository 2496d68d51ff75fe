use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(align(64))]
struct Account {
    balance: i64,
}

fn main() {}
