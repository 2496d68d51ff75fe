use shared_value::SharedValue;

#[derive(Clone, Copy)]
#[repr(C)]
struct Vector {
    x: f32,
    y: f32,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Body {
    #[shared(pod)]
    position: Vector,
}

fn main() {}
