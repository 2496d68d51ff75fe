use shared_value::SharedValue;

#[derive(SharedValue)]
#[repr(C)]
struct Account {
    balance: i64,
    rule: Box<dyn Fn(i64) -> bool>,
}

fn main() {}
