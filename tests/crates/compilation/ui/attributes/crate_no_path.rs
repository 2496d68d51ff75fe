use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(crate = "not a path")]
struct Account {
    requests: u64,
}

fn main() {}
