use shared_value::SharedValue;

// The derive of `Copy` has its own word on a `String`, after that of `SharedValue`.
#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    owner: String,
}

fn main() {}
