use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(packed)]
struct Account {
    frozen: bool,
    balance: i64,
}

fn main() {}
