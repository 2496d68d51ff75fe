use shared_value::{Reserved, SharedValue};

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(evolves)]
struct Account {
    balance: i64,
    #[shared(atomic)]
    spare: Reserved<8>,
}

fn main() {}
