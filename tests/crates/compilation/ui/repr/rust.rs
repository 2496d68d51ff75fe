use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(Rust)]
struct Account {
    balance: i64,
}

fn main() {}
