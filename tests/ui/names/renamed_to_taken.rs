use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    #[shared(rename = "get")]
    balance: i64,
}

fn main() {}
