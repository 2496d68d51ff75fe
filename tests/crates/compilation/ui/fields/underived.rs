use shared_value::SharedValue;

#[derive(Clone, Copy)]
#[repr(C)]
struct Limit {
    cents: u32,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    limit: Limit,
}

fn main() {}
