use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    rule: Box<dyn Fn(i64) -> bool>,
}

fn main() {}
