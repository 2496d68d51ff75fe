use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    spare: [shared_value::Reserved<8>; 2],
}

fn main() {}
