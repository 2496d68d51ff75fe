use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    #[shared(atomik, size = 8, pod = 1, typecode(x))]
    requests: u64,
}

fn main() {}
