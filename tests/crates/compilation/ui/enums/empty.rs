use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(u8)]
enum Never {}

fn main() {}
