use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    #[shared(atomic = true)]
    requests: u64,
}

fn main() {}
