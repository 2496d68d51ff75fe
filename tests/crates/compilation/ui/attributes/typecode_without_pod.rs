use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Body {
    #[shared(typecode = "(3)<f")]
    position: [f32; 3],
}

fn main() {}
