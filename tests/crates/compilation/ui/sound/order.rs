use shared_value::SharedValue;
use shared_value_attribute::in_any_order;

// The derive sees `#[repr(C)]`, which the compiler does not.
#[derive(SharedValue, Clone, Copy)]
#[in_any_order]
#[repr(C)]
struct Account {
    frozen: bool,
    balance: u64,
    state: u8,
}

const ACCOUNT: &shared_value::Layout = Account::LAYOUT;

fn main() {
    println!("{ACCOUNT:?}");
}
