use shared_value::SharedValue;

type Spare = shared_value::Reserved<8>;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    spare: Spare,
}

fn main() {}
