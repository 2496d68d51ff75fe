use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    #[shared(atomic)]
    requests: u32,
}

fn main() {}
