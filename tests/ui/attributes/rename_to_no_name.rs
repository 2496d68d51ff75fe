use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    #[shared(rename = "number of requests")]
    requests: u64,
}

fn main() {}
