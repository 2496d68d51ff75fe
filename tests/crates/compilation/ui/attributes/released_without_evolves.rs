use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Released {
    balance: i64,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(released = Released)]
struct Account {
    balance: i64,
}

fn main() {}
