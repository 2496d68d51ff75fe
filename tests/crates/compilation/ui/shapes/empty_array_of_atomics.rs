use shared_value::SharedValue;

const LENGTH: usize = 0;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Statistics {
    sum: u64,
    #[shared(atomic)]
    requests: [u64; LENGTH],
}

fn main() {}
