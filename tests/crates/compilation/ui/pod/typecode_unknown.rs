use glam::Vec3;
use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Body {
    #[shared(pod, typecode = "(3)<v")]
    position: Vec3,
}

fn main() {}
