use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(size = 8, layout = "T{<q:balance:}", fingerprint = "0x0123456789abcdef")]
struct Account {
    balance: i64,
    frozen: bool,
}

fn main() {}
