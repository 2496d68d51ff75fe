use shared_value::SharedValue;

#[derive(SharedValue)]
#[repr(C)]
struct Account {
    balance: i64,
    parent: std::sync::Arc<u32>,
}

fn main() {}
