use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(evolves, released = "Released")]
struct Account {
    balance: i64,
}

fn main() {}
