use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(fingerprint = 0x1234)]
struct Account {
    requests: u64,
}

fn main() {}
