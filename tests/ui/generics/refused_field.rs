use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct List<T> {
    elements: Vec<T>,
}

fn main() {}
