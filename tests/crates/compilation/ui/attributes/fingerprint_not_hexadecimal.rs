use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(fingerprint = "12345")]
struct Account {
    requests: u64,
}

fn main() {}
