use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
struct Account {
    balance: i64,
}

fn main() {}
