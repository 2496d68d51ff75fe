use shared_value::SharedValue;

type Count = u32;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    #[shared(atomic)]
    requests: Count,
}

fn main() {}
