use shared_value::SharedValue;

#[derive(SharedValue)]
#[repr(C)]
struct Account {
    balance: i64,
    limits: Vec<u32>,
}

fn main() {}
