use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(u8)]
struct Account {
    balance: i64,
}

fn main() {}
