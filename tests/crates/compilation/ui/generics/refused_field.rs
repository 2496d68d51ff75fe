use shared_value::SharedValue;

#[derive(SharedValue)]
#[repr(C)]
struct List<T> {
    elements: Vec<T>,
}

fn main() {}
