use shared_value::SharedValue;

#[derive(SharedValue)]
#[repr(C)]
struct Account {
    balance: i64,
    limits: std::ops::Range<u32>,
}

fn main() {}
