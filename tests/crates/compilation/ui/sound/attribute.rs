use shared_value::SharedValue;
use shared_value_attribute::by_reference;

// The derive sees a `u64`, the compiler a reference.
#[derive(SharedValue, Clone, Copy)]
#[by_reference]
#[repr(C)]
struct Account {
    balance: u64,
}

fn main() {}
