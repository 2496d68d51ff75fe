use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    #[shared(atomik)]
    requests: u64,
}

fn main() {}
