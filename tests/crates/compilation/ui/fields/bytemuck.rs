use glam::Vec3;
use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Body {
    position: Vec3,
}

fn main() {}
