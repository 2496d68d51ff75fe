use shared_value::SharedValue;

// The macro sees the name, not what it stands for.
type Timeout = std::time::Duration;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    timeout: Timeout,
}

fn main() {}
