use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    parent: std::sync::Arc<u32>,
}

fn main() {}
