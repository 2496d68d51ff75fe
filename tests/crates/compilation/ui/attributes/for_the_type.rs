use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    #[shared(size = 8)]
    requests: u64,
}

fn main() {}
