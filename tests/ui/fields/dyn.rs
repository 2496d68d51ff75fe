use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    rule: dyn Fn(i64) -> bool,
}

fn main() {}
