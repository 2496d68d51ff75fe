use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Counter<T> {
    #[shared(atomic)]
    count: T,
}

fn main() {}
