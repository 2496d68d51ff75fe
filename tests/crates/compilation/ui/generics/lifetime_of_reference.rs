use shared_value::SharedValue;

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account<'a> {
    owner: &'a str,
}

fn main() {}
