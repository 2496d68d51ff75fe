use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(layout = 8)]
struct Account {
    requests: u64,
}

fn main() {}
