use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Limit {
    cents: u64,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(layout = "T{<q:balance:(2)T{<I:cents:}:limits:}")]
struct Account {
    balance: i64,
    limits: [Limit; 2],
}

fn main() {}
