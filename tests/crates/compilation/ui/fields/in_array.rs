use shared_value::SharedValue;

#[derive(SharedValue)]
#[repr(C)]
struct Account {
    balance: i64,
    owners: [[String; 2]; 4],
}

fn main() {}
