use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(transparent)]
#[shared(evolves)]
struct Cents(i64);

fn main() {}
