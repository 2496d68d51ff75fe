use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(atomic)]
struct Account {
    requests: u64,
}

fn main() {}
