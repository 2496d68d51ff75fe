use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    #[shared(atomic)]
    requests: [u64; 4],
}

fn main() {}
