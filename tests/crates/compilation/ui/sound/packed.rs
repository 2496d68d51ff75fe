use shared_value::SharedValue;
use shared_value_attribute::packed;

// The derive sees a struct that is aligned for its field, the compiler a packed one.
#[derive(SharedValue, Clone, Copy)]
#[packed]
#[repr(C)]
struct Account {
    balance: u64,
}

fn main() {}
