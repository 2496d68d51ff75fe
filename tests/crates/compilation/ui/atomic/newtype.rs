use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(transparent)]
struct Requests(#[shared(atomic)] u64);

fn main() {}
