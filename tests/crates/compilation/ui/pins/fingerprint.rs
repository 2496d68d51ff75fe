use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(fingerprint = "0x0123456789abcdef")]
struct Account {
    balance: i64,
    frozen: bool,
}

fn main() {}
