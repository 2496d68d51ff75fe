use shared_value::SharedValue;

#[derive(SharedValue)]
#[repr(C)]
struct Account {
    balance: i64,
    limits: [u32],
}

fn main() {}
