// The macro sees the name, not what it stands for.
type Name = String;

use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    owner: Name,
}

fn main() {}
