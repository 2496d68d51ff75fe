use shared_value::SharedValue;

#[derive(SharedValue)]
#[repr(C)]
struct Account {
    balance: i64,
    rule: dyn Fn(i64) -> bool,
}

fn main() {}
