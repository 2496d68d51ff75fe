use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
union Bits {
    float: f32,
    integer: u32,
}

fn main() {}
