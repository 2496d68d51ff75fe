use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(transparent)]
struct Meters(f64, ());

fn main() {}
