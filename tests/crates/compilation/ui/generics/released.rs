use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(evolves)]
struct Released {
    balance: i64,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(evolves, released = Released)]
struct Account<T> {
    balance: T,
}

fn main() {}
