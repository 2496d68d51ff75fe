use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(crate = "no_such_crate")]
struct Account {
    requests: u64,
}

fn main() {}
