use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Pair(u32, #[shared(rename = "field_0")] u32);

fn main() {}
