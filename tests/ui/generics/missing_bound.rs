use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct List<T: Trait> {
    element: T::Element,
}

trait Trait: SharedValue {
    type Element;
}

fn main() {}
