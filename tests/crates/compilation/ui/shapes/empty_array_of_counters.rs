use shared_value::SharedValue;

const LENGTH: usize = 0;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Statistics {
    sum: u64,
    #[shared(counter)]
    by_status: [u64; LENGTH],
}

fn main() {}
