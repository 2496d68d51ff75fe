use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(layout = "T{<q:balance:}")]
struct Account {
    balance: i64,
    frozen: bool,
}

fn main() {}
